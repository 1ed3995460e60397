"""Objects in a local directory: the default shelf.

What belongs here: files. What does not: what is in them (container.py), buckets (bucket.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from callguard.errors import NotThere, ShelfDown

NAME = re.compile(r"[0-9a-f]{32}\.cgv")
"""Names say nothing: not whose, not when, not what."""
PART = ".part"


class Folder:
    """port.Shelf on a directory: ab/ab…cgv, 0600 in folders of 0700. What was being written ends in `.part`."""

    def __init__(self, root: Path) -> None:
        """ROOT is made with the first object."""
        self._root = root

    def put(self, name: str, blocks: Iterable[bytes]) -> None:
        """See port.Shelf."""
        path = self._path(name)
        part = path.with_name(path.name + PART)
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.writelines(blocks)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
            _sync(path.parent)
            _sync(self._root)

    def size(self, name: str) -> int | None:
        """See port.Shelf."""
        with _translated():
            try:
                return self._path(name).stat().st_size
            except FileNotFoundError:
                if not self._root.is_dir():
                    raise
                return None

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        """See port.Shelf."""
        with _translated():
            try:
                with self._path(name).open("rb") as file:
                    file.seek(start)
                    return file.read(stop - start)
            except FileNotFoundError:
                raise NotThere(f"object {name} is not in the vault") from None

    def lock(self, name: str, until: datetime) -> None:
        """A directory has no locks: what may not be deleted stands in the database."""

    def delete(self, name: str) -> None:
        """See port.Shelf. What was half written goes with it."""
        path = self._path(name)
        with _translated():
            for each in (path, path.with_name(path.name + PART)):
                each.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync(path.parent)

    def names(self) -> Iterator[tuple[str, int]]:
        """See port.Shelf. Half-written files count: they are there."""
        with _translated():
            found = sorted(self._root.glob("??/*")) if self._root.is_dir() else []
        for path in found:
            with suppress(FileNotFoundError):
                yield path.name, path.stat().st_size

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NotThere("an object's name that callguard never gave")
        return self._root / name[:2] / name


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ShelfDown(f"The vault's directory cannot be used: {error.strerror or type(error).__name__}.") from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
