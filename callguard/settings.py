"""callguard.toml and the environment as frozen settings, checked as a whole: all errors at once, with their dotted
keys.

What belongs here: how to reach things. What does not: what calls are recorded (policy.toml, core/policy.py). Read by
the
command line alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callguard.core.policy import Policy, parse_policy
from callguard.errors import BadInput, ConfigError
from callguard.text import toml

Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Database(_Table):
    """Postgres. `url`: as callguard_app; `owner_url`: as callguard_owner, for `callguard db upgrade` alone."""

    url: Text
    owner_url: str = ""


class Asterisk(_Table):
    """How to reach Asterisk. `ari_url`: http(s)://host:port/ari; `app`: the Stasis application of the snippet.

    `least_privilege`: the snippet starts the recorder, so that the AMI user needs no class but call and reporting.
    """

    ari_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")]
    ari_user: Text
    ari_password: Text
    app: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] = "callguard"
    ami_host: Text = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: Text
    ami_secret: Text
    ami_tls: bool = False
    least_privilege: bool = False


class FreeSwitch(_Table):
    """How to reach FreeSWITCH's event socket. `listen`: where its `socket` application reaches us.

    `in_band_digits`: keys that FreeSWITCH heard in the sound count too, where the site's profiles detect them.
    """

    host: Text = "127.0.0.1"
    port: Port = 8021
    password: str = ""
    tls: bool = False
    listen: Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")] = "127.0.0.1:8084"
    in_band_digits: bool = False


class Pbx(_Table):
    """Which PBX this is: its table has to be there."""

    kind: Literal["asterisk", "freeswitch"] = "asterisk"


class Guard(_Table):
    """The guard's own AMI account; the controller's where empty. `patience`: seconds without a heartbeat."""

    ami_user: str = ""
    ami_secret: str = ""
    patience: Annotated[float, Field(ge=0.3, le=1.5)] = 1.0


class Recordings(_Table):
    """Where recordings lie, as both Asterisk and callguard see it. Below `floor_mb` free no recording starts."""

    directory: Text
    floor_mb: Annotated[int, Field(ge=0)] = 200


class Vault(_Table):
    """Where finished recordings are kept. `directory`, or with `bucket` one that speaks S3; `public_key` on every PBX
    host, `keys` and `passphrase_file` where somebody listens; `lock`: the mode of the bucket's Object Lock."""

    directory: Text = "vault"
    bucket: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")] = ""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_.-]*$")] = ""
    endpoint: Annotated[str, Field(pattern=r"^(https?://[^\s/]+)?$")] = ""
    region: Text = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    lock: Literal["", "governance", "compliance"] = ""
    public_key: Text = "vault.pub"
    keys: Text = "vault.keys"
    passphrase_file: Text = "vault.passphrase"


class Worker(_Table):
    """Who does what is left to do when a call is over. `hosted`: `callguard run` starts a worker beside itself."""

    hosted: bool = True


class Transcriber(_Table):
    """What makes words of speech. `name`: of an entry point that an installed package brings; none where empty.
    `model`: handed to it, its own where empty."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    model: str = ""


class Prompts(_Table):
    """A folder of one folder per language; the shipped prompts where empty."""

    directory: str = ""


class Alerts(_Table):
    """Where incidents are told besides Postgres. `syslog`: a socket path or host:port, '' to switch it off."""

    syslog: str = "/dev/log"
    webhook: Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?)?$")] = ""
    mail_host: str = ""
    mail_from: str = ""
    mail_to: list[str] = []


class Rules(_Table):
    """The law as data. `pack`: a folder with jurisdictions.csv and nanp_npa.csv, the shipped one where empty;
    `overrides`: a file of rows that somebody answers for, none where empty."""

    pack: str = ""
    overrides: str = ""


Code = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Region = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
Line = Literal["landline", "mobile", "voip"]


class Places(_Table):
    """Where people are. `agents`: endpoint patterns to ISO codes; `agent_in_name`: an endpoint's name with {site} in it
    ("PJSIP/{site}-*"); `region`: country of numbers that come without one; `trunks`, `lines`: country of numbers and
    line type by a trunk's endpoint pattern."""

    agents: dict[str, Code] = {}
    agent_in_name: Annotated[str, Field(pattern=r"^([^{}]*\{site\}[^{}]*)?$")] = ""
    region: Region = ""
    trunks: dict[str, Region] = {}
    lines: dict[str, Line] = {}


class Crm(_Table):
    """A customer record that tells where a caller is. `url`: asked with ?number=; answers later than `timeout_ms` are
    unknown; `token`: sent as a bearer token."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?)?$")] = ""
    token: str = ""
    timeout_ms: Annotated[int, Field(ge=10, le=300)] = 300


class Settings(_Table):
    """All of callguard.toml. Relative paths are relative to the file."""

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "default"
    pbx_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "pbx"
    data_dir: Text
    policy: Text = "policy.toml"
    master_key: Text = "master.key"
    database: Database
    pbx: Pbx = Pbx()
    asterisk: Asterisk | None = None
    freeswitch: FreeSwitch | None = None
    guard: Guard = Guard()
    recordings: Recordings
    vault: Vault = Vault()
    worker: Worker = Worker()
    transcriber: Transcriber = Transcriber()
    prompts: Prompts = Prompts()
    rules: Rules = Rules()
    places: Places = Places()
    crm: Crm = Crm()
    alerts: Alerts = Alerts()
    base: Annotated[str, Field(exclude=True)] = "."

    def path(self, value: str) -> Path:
        """VALUE as a path, relative to the configuration file."""
        return (Path(self.base) / value).absolute()

    @property
    def on_asterisk(self) -> Asterisk:
        """How to reach Asterisk. Raises BadInput where the PBX is another one."""
        if self.pbx.kind != "asterisk" or self.asterisk is None:
            raise BadInput('pbx.kind is "freeswitch"; this part of callguard knows Asterisk alone')
        return self.asterisk

    @property
    def starts_by_dialplan(self) -> bool:
        """Whether the snippet starts the recorders, and not we."""
        return self.pbx.kind == "asterisk" and self.asterisk is not None and self.asterisk.least_privilege

    @property
    def on_freeswitch(self) -> FreeSwitch:
        """How to reach FreeSWITCH. Raises BadInput where the PBX is another one."""
        if self.pbx.kind != "freeswitch" or self.freeswitch is None:
            raise BadInput('pbx.kind is "asterisk"')
        return self.freeswitch

    @property
    def data(self) -> Path:
        """The data directory: sockets, register, spool."""
        return self.path(self.data_dir)


ENVIRONMENT = {
    "CALLGUARD_DATABASE_URL": ("database", "url"),
    "CALLGUARD_OWNER_URL": ("database", "owner_url"),
    "CALLGUARD_ARI_PASSWORD": ("asterisk", "ari_password"),
    "CALLGUARD_AMI_SECRET": ("asterisk", "ami_secret"),
    "CALLGUARD_GUARD_SECRET": ("guard", "ami_secret"),
    "CALLGUARD_ESL_PASSWORD": ("freeswitch", "password"),
    "CALLGUARD_CRM_TOKEN": ("crm", "token"),
    "CALLGUARD_VAULT_SECRET": ("vault", "secret_key"),
}
"""Secrets may come from the environment; it stands over the file."""


LONGEST_SOCKET = 107
"""Bytes of a unix socket's path on Linux."""
DIALPLAN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
"""What the snippet lets through where it names a recording itself."""


def read_toml(path: Path, hint: str = "") -> dict[str, Any]:
    """A TOML file as a mapping. Raises BadInput naming file, line and column; HINT is said where it is not there."""
    try:
        return toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file{hint}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 from byte {error.start} on: save it as UTF-8") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None


def load_settings(path: Path) -> Settings:
    """callguard.toml with the environment over it. Raises ConfigError with every problem at once."""
    document = read_toml(path, hint=". `--config FILE` names another one")
    for name, (table, key) in ENVIRONMENT.items():
        if value := os.environ.get(name):
            inner = document.setdefault(table, {})
            if isinstance(inner, dict):
                inner[key] = value
    problems = ["base: unknown key"] if "base" in document else []
    problems += _missing_pbx(document)
    try:
        settings = Settings(**{**document, "base": str(path.absolute().parent)})
    except ValidationError as error:
        raise ConfigError(str(path), problems + [_line(item) for item in error.errors()]) from None
    if len(os.fsencode(settings.data / "control.sock")) > LONGEST_SOCKET:
        problems.append(f"data_dir: too long a path for a unix socket (at most {LONGEST_SOCKET - 13} bytes)")
    if settings.starts_by_dialplan and not DIALPLAN_PATH.fullmatch(str(settings.path(settings.recordings.directory))):
        problems.append(
            "recordings.directory: with least_privilege only letters, digits, / . _ and - in its whole path"
        )
    if problems:
        raise ConfigError(str(path), problems)
    return settings


def _missing_pbx(document: dict[str, Any]) -> list[str]:
    """The table of the PBX that is named, if it is not there."""
    pbx = document.get("pbx", {})
    kind = pbx.get("kind", "asterisk") if isinstance(pbx, dict) else ""
    return [f"{kind}: is missing"] if kind in ("asterisk", "freeswitch") and kind not in document else []


def _line(item: Any) -> str:
    """One problem without the value that caused it: it may be a secret."""
    texts = {"extra_forbidden": "unknown key", "missing": "is missing"}
    if item["type"] == "string_pattern_mismatch":
        texts[item["type"]] = next((f"must be {_SHAPES[part]}" for part in item["loc"] if part in _SHAPES), item["msg"])
    return f"{'.'.join(str(part) for part in item['loc'])}: {texts.get(item['type'], item['msg'])}"


_WEB = "an http(s) address such as https://host.example/path"
_CODE = "an ISO 3166 code such as US-TX or DE"
_PLAIN = "letters, digits, - and _"
_SHAPES: Mapping[object, str] = {
    "ari_url": "an http(s) address such as http://127.0.0.1:8088/ari",
    "listen": "HOST:PORT such as 127.0.0.1:8084",
    "agents": _CODE, "trunks": _CODE, "region": "an ISO 3166 country code such as US",
    "agent_in_name": "a pattern with {site} in it, such as PJSIP/{site}-*",
    "webhook": _WEB, "url": _WEB, "endpoint": _WEB,
    "app": _PLAIN, "tenant": _PLAIN, "pbx_id": _PLAIN,
}  # fmt: skip
"""What a value of this key, or of this table, looks like."""


def load_policy(settings: Settings) -> Policy:
    """policy.toml. Raises ConfigError with every problem at once."""
    return read_policy(settings.path(settings.policy))


def read_policy(path: Path) -> Policy:
    """The policy in the file PATH. Raises BadInput, ConfigError with every problem at once."""
    return parse_policy(read_toml(path), str(path))
