"""Bytes into the vault: measured, read back, and refused where the store gives back others."""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import replace

import pytest

from callguard.audio.vault.container import Format, new_key
from callguard.audio.vault.folder import Folder
from callguard.errors import BadContainer
from callguard.jobs.keep import Source, keep
from tests.jobs.site import Place


class Forgetful(Folder):
    """A store that gives back what it was not given."""

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        found = bytearray(super().fetch(name, start, stop))
        if start:
            found[-1] ^= 1
        return bytes(found)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", bytes(3_000_000)])
def test_what_is_kept_is_what_was_given(place: Place, content: bytes) -> None:
    row = replace(place.stored(), object=f"{uuid.uuid4().hex}.cgv", key_id=uuid.uuid4())
    source = Source(io.BytesIO(content))
    found = keep(place.shelf, row, source, Format.BYTES, new_key())
    assert (found.plain_size, found.plain_sha256) == (len(content), hashlib.sha256(content).digest())
    assert found.size == place.shelf.size(row.object) and source.is_wav == content.startswith(b"RIFF")


def test_a_store_that_gives_back_other_bytes_is_not_believed(place: Place) -> None:
    row = replace(place.stored(), object=f"{uuid.uuid4().hex}.cgv", key_id=uuid.uuid4())
    with pytest.raises(BadContainer):
        keep(Forgetful(place.folder / "vault"), row, Source(io.BytesIO(bytes(9_000_000))), Format.BYTES, new_key())
