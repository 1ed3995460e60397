"""`callguard init`: the files of a new site, with secrets made for it, and what to do with them.

What belongs here: filling in the templates of data/init and putting them down all at once; what is left to do on
Asterisk. What does not: their words, FreeSWITCH's side (switch.py), whether the site works (doctor).
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import click

from callguard.audio.vault.keyfile import Files
from callguard.audio.vault.keyring import best_kind
from callguard.cli import switch
from callguard.cli.option import json_option, show_json
from callguard.core.complete import TO_FILL
from callguard.errors import BadInput
from callguard.lab.asterisk import dialplan_dir
from callguard.pbx.asterisk.site import HEARD
from callguard.store.keys import create_master_key

TEMPLATES = Path(__file__).resolve().parent.parent / "data" / "init"
MODES = {
    "callguard.toml": 0o600,
    "policy.toml": 0o644,
    "ari_callguard.conf": 0o600,
    "manager_callguard.conf": 0o600,
    "database.sql": 0o600,
}
"""What is written from templates, and who may read it."""
KEY = "master.key"
VAULT = ("vault.pub", "vault.keys", "vault.passphrase")
KEPT = (KEY, *VAULT)
"""Keys are made once and never replaced: what they sealed would be lost."""
SAFE = "policy-safe.toml"
"""Stands for policy.toml where the safe default is wanted."""
UNSAID = dict.fromkeys(("organisation", "contact", "owner", "assessment"), TO_FILL)
PBXS = ("asterisk", "freeswitch")
SECRETS = ("ari_password", "ami_secret", "guard_secret", "app_password", "owner_password")
SECRET_BYTES = 24
_LEAST = {
    False: {
        "least_privilege": "false",
        "why": "`system` because MixMonitor asks for it, `call` to mute, stop and send on, `reporting` to look",
        "read": "call,user,dialplan",
        "write": "system,call,reporting",
        "filter": "",
    },
    True: {
        "least_privilege": "true",
        "why": "`call` to mute, stop and send on, `reporting` to look. The snippet starts the recorder",
        "read": "call",
        "write": "call,reporting",
        "filter": "".join(f"eventfilter = {event}\n" for event in HEARD),
    },
}
"""Where the templates differ. Without class system callguard cannot choose its events: manager.conf does."""
_ASTERISK = {
    "recordings": "/var/spool/asterisk/callguard",
    "agents": '"PJSIP/agent*"',
    "desks": '"PJSIP/desk*"',
}
"""What Asterisk calls things."""
REVIEW_DAYS = 365
"""When the assessment of a new site is due to be looked at again."""


@click.command()
@click.argument("directory", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path("."))
@click.option("--pbx", type=click.Choice(PBXS), default=PBXS[0], show_default=True, help="Which PBX it is.")
@click.option("--force", is_flag=True, help="Replace files that are there (kept as NAME.old), but never a key.")
@click.option("--safe-default", is_flag=True, help="A policy for every team: notice, purpose, choice, then proceed.")
@click.option("--organisation", default=TO_FILL, show_default=True, help="Who records: callers hear it.")
@click.option("--contact", default=TO_FILL, show_default=True, help="Where callers may ask: they hear it.")
@click.option("--owner", default=TO_FILL, show_default=True, help="Who answers for the call types.")
@click.option("--assessment", default=TO_FILL, show_default=True, help="Where the assessment of the basis is kept.")
@click.option(
    "--least-privilege", is_flag=True, help="The dialplan starts the recorder: AMI gets call and reporting only."
)
@json_option
def init(
    directory: Path, pbx: str, force: bool, safe_default: bool, least_privilege: bool, as_json: bool, **promised: str
) -> None:
    """Write callguard.toml, policy.toml, keys and the PBX's side into DIR, and say what to do next."""
    folder = directory.absolute()
    kept = [name for name in KEPT if os.path.lexists(folder / name)]
    if pbx == "freeswitch" and least_privilege:
        raise BadInput("--least-privilege is for Asterisk: FreeSWITCH's event socket knows no such accounts")
    files = fresh(promised, safe_default=safe_default, least_privilege=least_privilege, pbx=pbx)
    write_site(folder, files, force=force)
    todo = steps(folder, dialplan_dir()) if pbx == "asterisk" else switch.steps(folder)
    todo |= common_steps(folder)
    if as_json:
        show_json({"directory": str(folder), "files": [*files, *KEPT], "key_kept": KEY in kept, "steps": todo})
        return
    written = ", ".join([*files, *(name for name in KEPT if name not in kept)])
    click.echo(f"Written to {folder}: {written}" + (f"; kept: {', '.join(kept)}" if kept else ""))
    for number, (title, lines) in enumerate(todo.items(), start=1):
        click.echo(f"\n{number}. {title}\n" + "\n".join(f"     {line}" for line in lines))


def fresh(
    promised: Mapping[str, str] = UNSAID,
    *,
    safe_default: bool = False,
    least_privilege: bool = False,
    pbx: str = "asterisk",
) -> dict[str, str]:
    """The files' texts by name, with secrets that nobody has seen. PROMISED: what only the admin knows, by word."""
    made = {name: secrets.token_hex(SECRET_BYTES) for name in SECRETS} | _LEAST[least_privilege]
    made["review"] = (datetime.now(UTC).date() + timedelta(days=REVIEW_DAYS)).isoformat()
    made |= {name: json.dumps(value, ensure_ascii=False) for name, value in {**UNSAID, **promised}.items()}
    made["esl_password"] = secrets.token_hex(SECRET_BYTES)
    made |= _ASTERISK if pbx == "asterisk" else switch.WORDS
    made["pbx"] = _filled(f"pbx-{pbx}.toml", made).rstrip("\n") + "\n"
    modes = MODES if pbx == "asterisk" else switch.MODES
    files = {name: name for name in modes} | ({"policy.toml": SAFE} if safe_default else {})
    own = {} if pbx == "asterisk" else {switch.SOCKET: switch.event_socket(made["esl_password"])}
    return {name: own.get(name) or _filled(file, made) for name, file in files.items()}


def _filled(file: str, made: Mapping[str, str]) -> str:
    return Template((TEMPLATES / file).read_text("utf-8")).substitute(made)


def write_site(folder: Path, texts: Mapping[str, str], *, force: bool) -> None:
    """Put TEXTS and keys into FOLDER: all of it or nothing. Raises BadInput naming every file in the way."""
    _make(folder)
    present = [name for name in (*texts, *KEPT) if os.path.lexists(folder / name)]
    if present and not force:
        lines = "".join(f"\n  {name}: is there already" for name in present)
        raise BadInput(f"{folder}: nothing was written{lines}\n--force replaces them, but never a key")
    folders = [name for name in present if (folder / name).is_dir()]
    if folders:
        raise BadInput(f"{folder}: nothing was written; {', '.join(folders)} is a folder: move it away")
    try:
        with _beside(folder, texts) as written:
            _put(folder, written)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written: {error.strerror}") from None


def _put(folder: Path, written: Mapping[str, Path]) -> None:
    """Move what was WRITTEN into its place; what was there stays as `.old`. A key is never replaced."""
    if not os.path.lexists(folder / KEY):
        create_master_key(folder / KEY)
    files = Files(*(folder / name for name in VAULT))
    if not (os.path.lexists(files.private) or os.path.lexists(files.public)):  # the public one alone is enough
        files.create(best_kind(), datetime.now(UTC))
    for name, path in written.items():
        if os.path.lexists(folder / name):
            os.replace(folder / name, folder / f"{name}.old")
        os.replace(path, folder / name)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made: {error.strerror}") from None


@contextmanager
def _beside(folder: Path, texts: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """TEXTS on the disk under other names, which are gone afterwards: a full disk leaves nothing behind."""
    paths = {name: folder / f".{name}.{secrets.token_hex(4)}" for name in texts}
    try:
        for name, path in paths.items():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, (MODES | switch.MODES)[name])
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(texts[name])
                file.flush()
                os.fsync(file.fileno())
        yield paths
    finally:
        for path in paths.values():
            with suppress(OSError):
                path.unlink()


def steps(folder: Path, snippets: Path) -> dict[str, list[str]]:
    """What is left to do on Asterisk, by title. No secret stands in it."""
    ari, manager = (shlex.quote(str(folder / name)) for name in ("ari_callguard.conf", "manager_callguard.conf"))
    return {
        "On the PBX: let callguard in (ari.conf, manager.conf; http.conf with enabled = yes, bindaddr = 127.0.0.1)": [
            f"install -o asterisk -g asterisk -m 640 {ari} {manager} /etc/asterisk/",
            "ari.conf:       #include ari_callguard.conf     below [general]",
            "manager.conf:   #include manager_callguard.conf",
        ],
        "On the PBX: the dialplan": [
            f"install -o asterisk -g asterisk -m 644 {shlex.quote(str(snippets / 'callguard.conf'))} /etc/asterisk/",
            "extensions.conf:          #include callguard.conf",
            "where the call comes in:  same => n,Gosub(callguard,s,1(support,inbound))     before Dial or Queue",
        ],
        "On the PBX: let Asterisk report keys of bridged calls, then restart it": [
            "modules.conf:   noload => bridge_native_rtp.so"
        ],
        "Folders: one that the PBX and callguard's user (here: callguard) both write, and one of callguard's own": [
            "install -d -o asterisk -g callguard -m 2770 /var/spool/asterisk/callguard",
            "install -d -o callguard -g callguard -m 700 /var/lib/callguard",
        ],
    }


def common_steps(folder: Path) -> dict[str, list[str]]:
    """What is left to do whichever PBX it is: keys, the database, the start."""
    sql, config, keys = (shlex.quote(str(folder / name)) for name in ("database.sql", "callguard.toml", "vault.keys"))
    return {
        "Keys: back up master.key, vault.keys and vault.passphrase, each apart from the others": [
            f"mv {keys} /a/safe/place/     where somebody listens; a host that only records needs vault.pub alone",
        ],
        "The database: two roles, and the tables (the owner's password stands in database.sql)": [
            f"sudo -u postgres psql < {sql}",
            "CALLGUARD_OWNER_URL=postgresql://callguard_owner:PASSWORD@localhost/callguard callguard db upgrade"
            f" --config {config}",
        ],
        "Put your own endpoints into policy.toml, fill in what is missing, look, and start": [
            f"callguard policy check --config {config}",
            f"callguard doctor --config {config}",
            f"callguard run --config {config}",
        ],
    }
