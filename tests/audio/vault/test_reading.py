"""Objects read back: in few requests, and measured."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest

from callguard.audio.vault.container import Format, Header, new_key, seal
from callguard.audio.vault.folder import Folder
from callguard.audio.vault.reading import WINDOW, open_object, raw_sha256
from callguard.errors import NotThere

KEY, KEY_ID = new_key(), uuid.uuid4()


class Counting(Folder):
    asked = 0

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        self.asked += 1
        return super().fetch(name, start, stop)


def test_an_object_is_measured_in_few_requests(tmp_path: Path) -> None:
    shelf, name, plain = Counting(tmp_path), f"{uuid.uuid4().hex}.cgv", bytes(range(256)) * 40_000
    raw = b"".join(seal([plain], KEY, Header.fresh(KEY_ID, Format.BYTES)))
    shelf.put(name, [raw])
    opened = open_object(shelf, name, KEY, KEY_ID)
    assert opened.measure() == (len(plain), hashlib.sha256(plain).digest(), hashlib.sha256(raw).digest())
    assert shelf.asked <= len(raw) // WINDOW + 2
    assert (
        opened.container.read(5, 15) == plain[5:15]
        and opened.container.read(10**7, 10**7 + 5) == plain[10**7 : 10**7 + 5]
    )
    assert raw_sha256(shelf, name) == (len(raw), hashlib.sha256(raw).digest())


def test_an_object_that_is_gone_is_said(tmp_path: Path) -> None:
    shelf = Folder(tmp_path)
    for act in (
        lambda: open_object(shelf, "0" * 32 + ".cgv", KEY, KEY_ID),
        lambda: raw_sha256(shelf, "0" * 32 + ".cgv"),
    ):
        with pytest.raises(NotThere):
            act()
