"""Where rows wait on disk while Postgres is away: numbered files of JSON lines, fsynced before anything is done.

What belongs here: writing lines, and loading them into an event log in order. What does not: when to spool (engine).
What is personal lies sealed, under a key for each line that the master key wraps.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from callguard.errors import BadInput, CannotDecrypt, StoreDown, StoreRefused, StoreUnfit
from callguard.ports import Batch, EventLog
from callguard.store.chain import canonical
from callguard.store.codec import batch_from_json, batch_to_json
from callguard.store.keys import MasterKey, decrypt, encrypt, new_data_key

VERSION = 1
GROUP = 100
"""Batches that are loaded by one append."""
PLACE = b"spool"


class Spool:
    """A directory of spooled rows, for one process at a time; its methods may be called from any thread."""

    def __init__(self, dir: Path, master_key: MasterKey) -> None:
        """DIR is made, readable by this user alone. Raises StoreDown when it cannot be."""
        self._dir, self._master = dir, master_key
        self._lock = threading.Lock()
        self._file: int | None = None
        try:
            dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreDown(f"The spool {dir} cannot be made: {error.strerror}.") from None

    def append(self, batches: Sequence[Batch]) -> None:
        """Write BATCHES, durable on return; this blocks for an fsync.

        Raises OSError when the disk does not take them; then none of them is in the spool.
        """
        content = b"".join(self._line(batch) for batch in batches)
        with self._lock:
            try:
                self._write(content)
            except OSError:
                self._roll()
                raise

    def free_bytes(self) -> int:
        """What the disk under the spool still takes; 0 where it takes no new file. Raises OSError."""
        disk = os.statvfs(self._dir)
        closed = not os.access(self._dir, os.W_OK | os.X_OK) or (disk.f_files and not disk.f_favail)
        return 0 if closed else disk.f_bavail * disk.f_frsize

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting()

    def aside(self) -> list[Path]:
        """Files with lines that could not be loaded (torn, or refused by the log): a human must look at them."""
        return sorted(self._dir.glob("*.aside"))

    async def drain(self, log: EventLog, refused: Callable[[Batch], None] = lambda batch: None) -> int:
        """Load everything into LOG, oldest first, and return the number of batches that LOG took.

        What is appended meanwhile is loaded too. A file goes only when LOG has all of it, so after a crash or StoreDown
        the next drain begins that file again, which adds nothing twice. Lines that cannot be loaded are kept aside;
        REFUSED hears of each that LOG does not take.
        """
        count = 0
        while waiting := self._closed():
            for path in waiting:
                count += await self._load(path, log, refused)
                path.unlink()
            self._sync()
        return count

    async def _load(self, path: Path, log: EventLog, refused: Callable[[Batch], None]) -> int:
        count = 0
        with path.open("rb") as file:
            while lines := list(islice(file, GROUP)):
                count += await self._load_some(path, lines, log, refused)
        return count

    async def _load_some(self, path: Path, lines: list[bytes], log: EventLog, refused: Callable[[Batch], None]) -> int:
        """Load LINES together; if LOG refuses, one by one, and what it refuses then is kept aside."""
        known = [(line, batch) for line in lines if (batch := self._batch(path, line))]
        try:
            await log.append([batch for _, batch in known])
        except StoreUnfit:  # no fault of these lines: they wait
            raise
        except StoreRefused:
            if len(known) > 1:
                return sum([await self._load_some(path, [line], log, refused) for line, _ in known])
            self._keep_aside(path, known[0][0])
            refused(known[0][1])
            return 0
        return len(known)

    def _batch(self, path: Path, line: bytes) -> Batch | None:
        try:
            return self._read(line)
        except (BadInput, CannotDecrypt):
            self._keep_aside(path, line)
            return None

    def _keep_aside(self, path: Path, line: bytes) -> None:
        """Add LINE to the file beside PATH, once: a second drain of the same file may meet it again."""
        aside = path.with_suffix(".aside")
        line = line.rstrip(b"\n") + b"\n"
        if aside.exists() and line in aside.read_bytes().splitlines(keepends=True):
            return
        with open(aside, "ab", opener=_private) as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._sync()

    def _line(self, batch: Batch) -> bytes:
        key = new_data_key()
        closed = replace(
            batch,
            parties=tuple(replace(row, values=_sealed(key, row.values)) for row in batch.parties),
            raw=tuple(replace(row, payload=_sealed(key, row.payload)) for row in batch.raw),
            answers=tuple(replace(row, number=_sealed_number(key, row.number)) for row in batch.answers),
        )
        wrapped = self._master.wrap(key, PLACE) if _is_personal(batch) else b""
        return canonical({"version": VERSION, "key": wrapped, "batch": batch_to_json(closed)}) + b"\n"

    def _read(self, line: bytes) -> Batch:
        """The batch in LINE, in the clear. Raises BadInput, CannotDecrypt."""
        try:
            value = json.loads(line)
        except ValueError:
            raise BadInput("a torn line") from None
        if not line.endswith(b"\n") or not isinstance(value, dict) or value.get("version") != VERSION:
            raise BadInput("a torn or foreign line")
        batch = batch_from_json(value.get("batch"))
        key = self._master.unwrap(_bytes(value.get("key")), PLACE) if _is_personal(batch) else b""
        return replace(
            batch,
            parties=tuple(replace(row, values=_opened(key, row.values)) for row in batch.parties),
            raw=tuple(replace(row, payload=_opened(key, row.payload)) for row in batch.raw),
            answers=tuple(replace(row, number=_opened_number(key, row.number)) for row in batch.answers),
        )

    def _write(self, content: bytes) -> None:
        if self._file is None:
            self._file = os.open(self._next(), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._sync()
        before = os.fstat(self._file).st_size
        try:
            while content:
                content = content[os.write(self._file, content) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, before)
            raise

    def _next(self) -> Path:
        """A new file, after all there are: a file that another process may have torn is never added to."""
        numbers = [int(path.stem.split("-")[1]) for path in self._dir.glob("spool-*.*")]
        return self._dir / f"spool-{max(numbers, default=0) + 1:08}.jsonl"

    def _waiting(self) -> list[Path]:
        return sorted(self._dir.glob("spool-*.jsonl"))

    def _closed(self) -> list[Path]:
        """The files that wait, none of which will grow."""
        with self._lock:
            self._roll()
            return self._waiting()

    def _roll(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _sync(self) -> None:
        """Make the directory itself durable: names added and removed."""
        handle = os.open(self._dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_personal(batch: Batch) -> bool:
    """Whether anything in it has to be sealed."""
    return bool(batch.parties or batch.raw or batch.answers)


def _sealed(key: bytes, values: object) -> dict[str, str]:
    return {"sealed": encrypt(key, values, PLACE).hex()}


def _opened(key: bytes, values: Any) -> dict[str, Any]:
    return dict(decrypt(key, _bytes(values.get("sealed")), PLACE))


def _sealed_number(key: bytes, number: str) -> str:
    return _sealed(key, {"number": number})["sealed"]


def _opened_number(key: bytes, sealed: str) -> str:
    return str(_opened(key, {"sealed": sealed}).get("number", ""))


def _bytes(text: object) -> bytes:
    """The bytes that TEXT is the hex of. Raises BadInput."""
    try:
        return bytes.fromhex(text if isinstance(text, str) else "?")
    except ValueError:
        raise BadInput("hex expected") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
