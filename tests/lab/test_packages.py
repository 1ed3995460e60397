from __future__ import annotations

import os
from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab import packages

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/x.gpg

Types: deb
# http://elsewhere.example/
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian sid main
deb-src http://mirror.example/debian sid main
deb [arch=amd64 signed-by=/keys/d.gpg] http://mirror.example/debian trixie main contrib # more
deb https://other.example/apt stable main
"""


def test_deb822_sources_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    first, second = packages.apt_sources(tmp_path)
    assert first == packages.AptSource(
        "http://mirror.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/x.gpg",
    )
    assert second.suites == ("bookworm-security",)


def test_one_line_sources_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    first, second = packages.apt_sources(tmp_path)
    assert first == packages.AptSource("http://mirror.example/debian", ("trixie",), ("main", "contrib"), "/keys/d.gpg")
    assert second.signed_by == ""


@pytest.mark.parametrize("name, text", [("sources.list.d/debian.sources", DEB822), ("sources.list", ONE_LINE)])
def test_the_mirror_is_the_machines_own_and_not_the_security_archive(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert packages.debian_source(tmp_path).uri == "http://mirror.example/debian"


def test_a_machine_without_a_debian_mirror_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="install asterisk 20 or newer"):
        packages.debian_source(tmp_path)


def test_version_of_the_host() -> None:
    assert packages.major_version("Asterisk 22.10.1~dfsg") == 22
    assert packages.major_version("Asterisk certified/20.7-cert1") == 20
    assert packages.major_version("command not found") == 0


@pytest.mark.parametrize("version, found", [("16.2.1", False), ("20.6.0", True)])
def test_the_hosts_asterisk_is_taken_when_new_enough(tmp_path: Path, version: str, found: bool) -> None:
    program = tmp_path / "sbin/asterisk"
    for member in ("lib/asterisk/modules/res_ari.so", "share/asterisk/rest-api/resources.json", "sbin/asterisk"):
        (tmp_path / member).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / member).write_text(f"#!/bin/sh\necho Asterisk {version}\n")
    program.chmod(0o755)
    host = packages.host_asterisk(str(program.parent))
    assert (host is not None) is found
    assert host is None or host.modules == tmp_path / "lib/asterisk/modules"


def test_cache_folder_is_chosen_by_environment() -> None:
    assert packages.cache_dir({"CALLGUARD_CACHE": "/a"}) == Path("/a")
    assert packages.cache_dir({"XDG_CACHE_HOME": "/b"}) == Path("/b/callguard")
    assert packages.cache_dir({}) == Path.home() / ".cache/callguard"


@pytest.mark.parametrize("loader, good", [("/bin/false", False), ("/bin/true", True)])
def test_a_tree_is_good_when_its_loader_finds_every_library(tmp_path: Path, loader: str, good: bool) -> None:
    for member in ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/asterisk/modules/res_ari.so"):
        (tmp_path / member).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / member).symlink_to(loader)
    assert packages.self_test(tmp_path, "amd64") is good


def test_no_tree_is_no_good_tree(tmp_path: Path) -> None:
    assert not packages.self_test(tmp_path / "nothing", "amd64")


def test_an_unusable_cache_folder_is_one_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable, match="could not be unpacked into the cache folder") as error:
        packages.cached_asterisk(tmp_path / "file" / "cache")
    assert "\n" not in str(error.value)


def test_the_second_run_downloads_nothing() -> None:
    packages.find_asterisk()
    before = sorted((path, path.stat().st_ctime_ns) for path in packages.cache_dir().glob("asterisk-*"))
    packages.find_asterisk()
    after = sorted((path, path.stat().st_ctime_ns) for path in packages.cache_dir().glob("asterisk-*"))
    # the lock file is opened anew, which changes its times; the tree is not touched
    assert [one for one in before if one[0].is_dir()] == [one for one in after if one[0].is_dir()]
    assert os.access(packages.find_asterisk().command[0], os.X_OK)
