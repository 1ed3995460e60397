"""What every shelf does alike: the contract suite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callguard.audio.vault.bucket import Bucket
from callguard.audio.vault.folder import Folder
from callguard.audio.vault.port import Shelf
from callguard.errors import NotThere


def name() -> str:
    return f"{uuid.uuid4().hex}.cgv"


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "folder":
        return Folder(tmp_path / "vault")
    return Bucket(request.getfixturevalue("s3").address(f"shelf-{uuid.uuid4().hex[:8]}"))


def broken() -> Iterator[bytes]:
    yield b"x" * 300_000
    raise RuntimeError("the source broke")


@pytest.mark.requirement("S5")
def test_an_object_is_put_read_in_ranges_listed_and_gone(shelf: Shelf) -> None:
    first, second = name(), name()
    content = bytes(range(256)) * 30_000  # more than one part of an upload
    shelf.put(first, (content[at : at + 65_552] for at in range(0, len(content), 65_552)))
    shelf.put(second, [b"abc"])
    assert shelf.size(first) == len(content) and shelf.fetch(first, 0, len(content)) == content
    assert shelf.fetch(first, 1000, 1010) == content[1000:1010] and shelf.fetch(second, 1, 3) == b"bc"
    assert shelf.fetch(second, 2, 2) == b""
    assert dict(shelf.names()) == {first: len(content), second: 3}
    shelf.lock(first, datetime(2027, 1, 1, tzinfo=UTC))
    for _ in range(2):
        shelf.delete(first)
    assert shelf.size(first) is None and [found for found, _ in shelf.names()] == [second]
    with pytest.raises(NotThere):
        shelf.fetch(first, 0, 10)


def test_a_source_that_breaks_leaves_no_object(shelf: Shelf) -> None:
    lost, kept = name(), name()
    shelf.put(kept, [b"abc"])
    with pytest.raises(RuntimeError):
        shelf.put(lost, broken())
    assert shelf.size(lost) is None and [found for found, _ in shelf.names()] == [kept]


@pytest.mark.requirement("S29")
@pytest.mark.parametrize("bad", ["../../etc/passwd", "caller.cgv", "a/b.cgv", ""])
def test_a_name_that_was_never_given_reaches_nothing(shelf: Shelf, bad: str) -> None:
    for act in (lambda: shelf.put(bad, [b""]), lambda: shelf.delete(bad), lambda: shelf.fetch(bad, 0, 1)):
        with pytest.raises(NotThere):
            act()
