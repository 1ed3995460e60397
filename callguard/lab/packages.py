"""Where an Asterisk to run comes from: the host's own, or Debian's packages unpacked into a cache.

What belongs here: finding, fetching (apt, signed and hashed by apt), unpacking and self-testing the program; nothing is
installed on the host and root is not needed. What does not: configuring and running it (asterisk.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from callguard.errors import Unreachable

OLDEST_MAJOR = 20
SUITE = "forky"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Enough for 22.10 of that suite, 17 MB; where a soname has moved since, the closure of "asterisk" is asked for instead.
PINNED = (
    "asterisk asterisk-modules asterisk-core-sounds-en-gsm libbsd0 libc6 libcap2 libcrypt1 libedit2 libgcc-s1 libgsm1 "
    "libjansson4 libmd0 libsqlite3-0 libssl3t64 libstdc++6 libsystemd0 libtinfo6 liburiparser1 libuuid1 libxml2-16 "
    "libxslt1.1 libzstd1 zlib1g"
).split()
CLOSURE = ["asterisk", "asterisk-core-sounds-en-gsm"]
LOADERS = {
    "amd64": ("ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "arm64": ("ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}


@dataclass(frozen=True)
class Installation:
    """An Asterisk that can be run: the argument list that starts it, and the folders its configuration names."""

    command: tuple[str, ...]
    modules: Path
    data: Path


@dataclass(frozen=True)
class AptSource:
    """One enabled binary source of this machine."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that survives between runs: $CALLGUARD_CACHE, else callguard under the user's cache folder."""
    if chosen := environ.get("CALLGUARD_CACHE"):
        return Path(chosen)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callguard"


def find_asterisk(cache: Path | None = None) -> Installation:
    """The host's Asterisk if it is new enough, else the cached one, fetched on first use. Raises Unreachable."""
    return host_asterisk() or cached_asterisk(cache or cache_dir())


# --- the host's own -------------------------------------------------------------------------------------------------


def host_asterisk(path: str | None = None) -> Installation | None:
    """The Asterisk installed on this host, or None: absent, older than 20, or without ARI."""
    search = path if path is not None else os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    program = shutil.which("asterisk", path=search)
    if program is None or major_version(_run([program, "-V"])) < OLDEST_MAJOR:
        return None
    prefix = Path(program).resolve().parent.parent
    lib = [prefix / "lib" / triplet for _, triplet in LOADERS.values()] + [prefix / "lib", prefix / "lib64"]
    modules = [path / "asterisk/modules" for path in lib]
    data = [prefix / "share/asterisk", Path("/var/lib/asterisk")]
    found = _first(modules, "res_ari.so"), _first(data, "rest-api/resources.json")
    return Installation((program,), found[0], found[1]) if found[0] and found[1] else None


def major_version(answer: str) -> int:
    """22 from "Asterisk 22.10.1~dfsg"; 0 when it does not say."""
    found = re.search(r"Asterisk (?:certified/)?(\d+)\.", answer)
    return int(found[1]) if found else 0


def _first(folders: Sequence[Path], member: str) -> Path | None:
    return next((folder for folder in folders if (folder / member).is_file()), None)


# --- the cached one -------------------------------------------------------------------------------------------------


def cached_asterisk(cache: Path) -> Installation:
    """The unpacked packages in `cache`; callers in other processes wait for the first one. Raises Unreachable."""
    arch = _architecture()
    tree = cache / f"asterisk-{SUITE}-{arch}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{tree.name}.lock"):
            if not self_test(tree, arch):
                _provide(tree, arch)
    except OSError as error:  # no right to write there, no space, no apt-get
        raise Unreachable(f"Asterisk could not be unpacked into the cache folder {cache}: {error.strerror}") from error
    return _installation(tree, arch)


def _architecture() -> str:
    arch = _run(["dpkg", "--print-architecture"]).strip()
    if arch not in LOADERS:
        kind = arch or "a system without dpkg"
        raise Unreachable(f"no Asterisk >= {OLDEST_MAJOR} here, and no packages to fetch for {kind}: install asterisk")
    return arch


def _provide(tree: Path, arch: str) -> None:
    """Fetch and unpack beside `tree`, then rename: a killed run leaves no half tree under the final name."""
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=tree.parent) as scratch:
        for number, wanted in enumerate((PINNED, CLOSURE)):
            fresh = Path(scratch) / f"tree{number}"
            with contextlib.suppress(subprocess.CalledProcessError):
                _unpack(_download(Path(scratch) / f"apt{number}", wanted, arch), fresh)
            if self_test(fresh, arch):
                shutil.rmtree(tree, ignore_errors=True)
                fresh.rename(tree)
                return
    raise Unreachable(
        f"Asterisk could not be fetched: apt has no usable packages of suite {SUITE}. "
        f"Check the network and the apt sources, or install asterisk {OLDEST_MAJOR} or newer."
    )


def _unpack(packages: Sequence[Path], tree: Path) -> None:
    tree.mkdir()
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", str(package), str(tree)], check=True, capture_output=True)
    sounds = tree / "usr/share/asterisk/sounds"
    if sounds.is_dir() and not (sounds / "en").exists():  # the package's postinst makes this link
        (sounds / "en").symlink_to("en_US_f_Allison")


def self_test(tree: Path, arch: str) -> bool:
    """True when the loader finds every library of the program and of the modules that speak to the world."""
    try:
        installation = _installation(tree, arch)
    except Unreachable:
        return False
    names = ("res_pjsip.so", "res_rtp_asterisk.so", "res_http_websocket.so", "res_ari.so", "app_mixmonitor.so")
    probes = [tree / "usr/sbin/asterisk", *(installation.modules / name for name in names)]
    loader = [*installation.command[:3], "--list"]
    return all(_links(loader, probe) for probe in probes)


def _links(loader: Sequence[str], probe: Path) -> bool:
    result = subprocess.run([*loader, str(probe)], capture_output=True, text=True, check=False)
    return result.returncode == 0 and "not found" not in result.stdout


def _installation(tree: Path, arch: str) -> Installation:
    name, triplet = LOADERS[arch]
    # Debian's own layouts: merged /usr, and the one before it
    loader = _first([tree / where for where in ("usr/lib64", "usr/lib", f"usr/lib/{triplet}", "lib64", "lib")], name)
    modules = _first([tree / "usr/lib" / triplet / "asterisk/modules"], "res_ari.so")
    if loader is None or modules is None:
        raise Unreachable(f"the cached Asterisk is incomplete: remove {tree.name} from the cache folder")
    libraries = f"{tree}/usr/lib/{triplet}:{tree}/lib/{triplet}"
    program = str(tree / "usr/sbin/asterisk")
    command = (str(loader / name), "--library-path", libraries, "--argv0", "asterisk", program)
    return Installation(command, modules, tree / "usr/share/asterisk")


# --- apt ------------------------------------------------------------------------------------------------------------


def _download(scratch: Path, wanted: Sequence[str], arch: str) -> list[Path]:
    """The .deb files of `wanted`, from apt with a state of its own. Raises CalledProcessError, Unreachable."""
    for part in ("lists/partial", "cache/archives/partial", "parts"):
        (scratch / part).mkdir(parents=True)
    (scratch / "status").touch()
    source = debian_source(Path("/etc/apt"))
    (scratch / "sources.list").write_text(_source_line(source, arch))
    config = scratch / "apt.conf"
    config.write_text(_apt_config(scratch, arch))
    apt = ["apt-get", "-q", "-y", "--no-install-recommends"]
    environ = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C"}
    archives = scratch / "cache/archives"
    for action in (["update"], ["download", *wanted] if wanted == PINNED else ["--download-only", "install", *wanted]):
        subprocess.run([*apt, *action], check=True, capture_output=True, env=environ, cwd=archives)
    return sorted(archives.glob("*.deb"))


def _source_line(source: AptSource, arch: str) -> str:
    keyring = source.signed_by if source.signed_by.startswith("/") else str(KEYRING)
    return f"deb [arch={arch} signed-by={keyring}] {source.uri} {SUITE} main\n"


def _apt_config(scratch: Path, arch: str) -> str:
    """Private state; of the host's configuration only what concerns the way to the mirror (proxies, time-outs)."""
    host = _run(["apt-config", "dump", "--format", '%f "%v";%n', "Acquire"])
    own = {
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Check-Date": "false",
        "Dir::State": f"{scratch}/",
        "Dir::State::lists": f"{scratch}/lists",
        "Dir::State::status": f"{scratch}/status",
        "Dir::Cache": f"{scratch}/cache",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": f"{scratch}/parts",
        "Dir::Etc::sourcelist": f"{scratch}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Log": str(scratch),
    }
    return host + "".join(f'{key} "{value}";\n' for key, value in own.items())


def debian_source(etc: Path) -> AptSource:
    """The machine's own mirror of Debian's main archive. `etc` is apt's folder. Raises Unreachable."""
    for source in apt_sources(etc):
        archive = source.uri.rstrip("/").rsplit("/", 1)[-1]
        plain = [suite for suite in source.suites if not suite.endswith("-security") and "/" not in suite]
        if "main" in source.components and plain and archive in ("debian", "debian.list"):
            return source
    raise Unreachable(
        f"no Debian mirror among the apt sources of this machine: install asterisk {OLDEST_MAJOR} or newer by hand"
    )


def apt_sources(etc: Path) -> list[AptSource]:
    """Every enabled binary source, of both formats."""
    deb822 = sorted((etc / "sources.list.d").glob("*.sources"))
    one_line = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    found: list[AptSource] = []
    for path in (path for path in deb822 if path.is_file()):
        found += _deb822(path.read_text(errors="replace"))
    for path in (path for path in one_line if path.is_file()):
        found += _one_line(path.read_text(errors="replace"))
    return found


def _deb822(text: str) -> list[AptSource]:
    found = []
    plain = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", plain):
        fields = {
            name.lower(): " ".join(value.split())
            for name, value in re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza, flags=re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        suites, components = tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split())
        signed_by = fields.get("signed-by", "")
        found += [AptSource(uri, suites, components, signed_by) for uri in fields.get("uris", "").split()]
    return found


def _one_line(text: str) -> list[AptSource]:
    found = []
    for line in text.splitlines():
        if matched := re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip()):
            options, uri, suite, components = matched.groups()
            signed_by = re.search(r"signed-by=(\S+)", options or "")
            found.append(AptSource(uri, (suite,), tuple(components.split()), signed_by[1] if signed_by else ""))
    return found


# --- small ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[str]) -> str:
    """Standard output, "" when the program is not there."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
