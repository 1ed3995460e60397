"""What is in the vault, as rows: artefacts, their wrapped keys, incidents about them.

What belongs here: SQL about artefacts, synchronous: jobs and commands run one after another. What does not: objects
(audio/vault/), what is decided about them (jobs/, governance/).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from callguard.core.deriving import Told
from callguard.core.events import Event
from callguard.core.history import decode
from callguard.errors import Held
from callguard.store.query import parse
from callguard.store.sentences import translated

FILES = ("artefacts.sql", "jobs.sql", "deletions.sql")
SQL = {
    name: statement
    for file in FILES
    for name, statement in parse(files("callguard.store").joinpath(file).read_text("utf-8")).items()
}
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 60
PAGE = 200
NAME = "callguard vault"


@dataclass(frozen=True, slots=True)
class Ended:
    """A recording that is over. `state`: the verdict; `sha256`: hex, of the file as the verdict was given, '' for none;
    `expires_at`: as its call type promised when it was made."""

    recording_id: str
    segment_no: int
    call_id: str
    call_month: date
    state: str
    expires_at: datetime
    tenant: str
    pbx_id: str
    call_type: str
    purpose: str
    started_at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """One object of the vault. `part`: whole, or one leg where the legs could not be joined; `began_at`: when the call
    began; `promised_until`: what was said when it was made; `reason`: why it goes, once it is marked."""

    artefact_id: str
    tenant: str
    pbx_id: str
    call_month: date
    call_id: str
    recording_id: str
    segment_no: int
    part: str
    kind: str
    parent_id: str | None
    call_type: str
    purpose: str
    state: str
    object: str
    key_id: uuid.UUID
    size: int | None
    sha256: bytes | None
    plain_size: int | None
    plain_sha256: bytes | None
    began_at: datetime
    created_at: datetime
    promised_until: datetime
    expires_at: datetime
    reason: str = ""
    marked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it lies in Postgres. `kid`: the key pair that opens it."""

    key_id: uuid.UUID
    kid: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """What an object turned out to be, read back: bytes and sha256 of the container and of its plaintext."""

    size: int
    sha256: bytes
    plain_size: int
    plain_sha256: bytes


@dataclass(frozen=True, slots=True)
class ArtefactEvent:
    """An event of a derived artefact: that it was `made` of its parent, that a legal hold keeps the original in whose
    place it was made (`original_held`), that this one's key is destroyed (`original_shredded`). `data`: what made it
    and with which settings; the hashes are those of both plaintexts."""

    artefact_id: str
    type: str
    at: datetime
    parent_id: str
    kind: str
    parent_sha256: bytes
    sha256: bytes
    data: Mapping[str, Any]


class Artefacts:
    """Rows of the vault over one connection, as callguard_app. Every method raises StoreDown, StoreRefused."""

    def __init__(self, connection: Connection) -> None:
        """Use `Artefacts.open`."""
        self.connection = connection

    @classmethod
    @contextmanager
    def open(cls, dsn: str) -> Iterator[Artefacts]:
        """Over a connection of its own, closed afterwards."""
        options = (
            f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c timezone=UTC -c search_path=callguard,callguard_jobs"
        )
        with translated():
            connection = psycopg.connect(
                dsn,
                autocommit=True,
                options=options,
                connect_timeout=CONNECT_SECONDS,
                application_name="callguard vault",
            )
        try:
            yield cls(connection)
        finally:
            connection.close()

    # ------------------------------------------------------------ reading
    def recording(self, recording_id: str) -> Ended | None:
        """The recording with this id, its newest segment."""
        for row in self.ask("find_recording", recording_id=recording_id):
            return Ended(**{**row, "sha256": row["sha256"] or ""})
        return None

    def told(self, month: date, call_id: str) -> tuple[Told, ...]:
        """Who was told of the recording of a call, and what they said to it, as its log says."""
        return tuple(Told(**row) for row in self.ask("told", call_month=month, call_id=call_id))

    def stored_policy(self, month: date, call_id: str) -> dict[str, Any] | None:
        """The call type that a call was under, as JSON."""
        for row in self.ask("stored_policy", call_month=month, call_id=call_id):
            return dict(row["policy"])
        return None

    def facts_of(self, month: date, call_id: str) -> tuple[Event, ...]:
        """What happened in a call, in order, without what followed from it."""
        return tuple(decode(**row) for row in self.ask("facts_of", call_month=month, call_id=call_id))

    def find(
        self,
        *,
        recording_id: str | None = None,
        call_id: str | None = None,
        artefact_id: str | None = None,
        states: Sequence[str] | None = None,
    ) -> tuple[Artefact, ...]:
        """All that match everything that is given, oldest first."""
        values = {"recording_id": recording_id, "call_id": call_id, "artefact_id": artefact_id}
        found = self.ask("find_artefacts", **values, states=None if states is None else list(states))
        return tuple(Artefact(**row) for row in found)

    def events(self, recording_id: str) -> tuple[ArtefactEvent, ...]:
        """What was told of everything that was made of a recording, oldest first."""
        return tuple(ArtefactEvent(**row) for row in self.ask("find_told", recording_id=recording_id))

    def holders(self, what: str) -> tuple[str, ...]:
        """Names of what can hold something in this database: each `table`, each `kind` of artefact."""
        return tuple(row["name"] for row in self.ask("holders") if row["what"] == what)

    def key(self, key_id: uuid.UUID) -> Wrapped | None:
        """A data key, if it is still there."""
        for row in self.ask("find_key", key_id=key_id):
            return Wrapped(key_id, row["kid"], row["wrapped"])
        return None

    def keys_by_pair(self) -> dict[str, int]:
        """How many data keys each key pair wraps."""
        return {row["kid"]: row["count"] for row in self.ask("count_keys")}

    def wrapped_elsewhere(self, kid: str) -> tuple[Wrapped, ...]:
        """Some of the data keys that another pair than KID wraps; none: all are under KID."""
        return tuple(Wrapped(**row) for row in self.ask("wrapped_elsewhere", kid=kid, page=PAGE))

    def keyless(self) -> tuple[Artefact, ...]:
        """What is stored and can never be opened again."""
        return tuple(found for row in self.ask("keyless") for found in self.find(artefact_id=row["artefact_id"]))

    def stray_keys(self) -> tuple[uuid.UUID, ...]:
        """Keys of nothing."""
        return tuple(row["key_id"] for row in self.ask("stray_keys"))

    # ------------------------------------------------------------ writing
    def begin(self, row: Artefact, key: Wrapped) -> None:
        """ROW is being written under KEY: both are there, or neither."""
        with self.transaction():
            names = (name for name in Artefact.__slots__ if name not in ("size", "sha256", "plain_size", "state"))
            self.ask("insert_artefact", **{name: getattr(row, name) for name in names})
            self.put_key(key)

    def begin_again(self, row: Artefact, object: str, key: Wrapped) -> None:
        """What was begun and never finished is written anew under another name and another KEY."""
        with self.transaction():
            self.ask("begin_again", artefact_id=row.artefact_id, object=object, key_id=key.key_id)
            self.put_key(key)
            self.ask("delete_key", key_id=row.key_id)

    def put_key(self, key: Wrapped) -> None:
        """Keep a data key."""
        self.ask("insert_key", key_id=key.key_id, kid=key.kid, wrapped=key.wrapped)

    def stored(self, artefact_id: str, key_id: uuid.UUID, found: Measured) -> bool:
        """It lies in the vault as FOUND. Whether this writer was still the one that writes it."""
        values = {name: getattr(found, name) for name in Measured.__slots__}
        return self.count("stored", artefact_id=artefact_id, key_id=key_id, **values) == 1

    def tell(self, artefact_id: str, type: str, data: Mapping[str, Any]) -> None:
        """An event of a derived artefact, once; it can never be changed."""
        self.ask("tell", artefact_id=artefact_id, type=type, data=Jsonb(data))

    def rewrap(self, old: Wrapped, new: Wrapped) -> bool:
        """Whether it was still wrapped as OLD says."""
        (row,) = self.ask("rewrap", key_id=old.key_id, old=old.kid, kid=new.kid, wrapped=new.wrapped)
        return bool(row["done"])

    def open_incident(self, kind: str, subject: str, at: datetime, call: Ended | Artefact) -> bool:
        """Something about a call that a human must look at. SUBJECT: what it is about. Whether it is new."""
        incident_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{subject}"))
        values = {"call_month": call.call_month, "incident_id": incident_id, "call_id": call.call_id}
        return bool(self.ask("open_incident", **values, kind=kind, opened_at=at))

    def remove_stray_keys(self) -> int:
        """Destroy keys of nothing. How many there were."""
        return self.count("remove_stray_keys")

    @contextmanager
    def turn(self, recording_id: str) -> Iterator[bool]:
        """Whether nobody else works on this recording; while the block runs nobody else does. A process that is killed
        gives its turn up with its connection."""
        (row,) = self.ask("take_turn", recording_id=recording_id)
        mine = bool(row["pg_try_advisory_lock"])
        try:
            yield mine
        finally:
            if mine and not self.connection.closed:
                self.ask("end_turn", recording_id=recording_id)

    # ------------------------------------------------------------ plumbing
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none."""
        with translated(), self.connection.transaction():
            yield

    def ask(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a statement."""
        with _spoken(), self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(SQL[name], values)
            return cursor.fetchall() if cursor.description else []

    def count(self, name: str, **values: Any) -> int:
        """How many rows a statement changed."""
        with _spoken():
            return self.connection.execute(SQL[name], values).rowcount


@contextmanager
def _spoken() -> Iterator[None]:
    """Driver exceptions become ours; what the database refuses because of a legal hold is Held."""
    with translated():
        try:
            yield
        except errors.RaiseException as error:
            raise Held(f"{str(error).splitlines()[0]}.") from None
