"""Bytes into the vault: measured, read back, and refused where the store gives back others."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable
from dataclasses import replace

import pytest

from callguard.audio.vault.container import Format, new_key
from callguard.audio.vault.folder import Folder
from callguard.errors import BadContainer, CannotDecrypt, ShelfDown
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
    source = Source.of(io.BytesIO(content))
    found = keep(place.shelf, row, source, Format.BYTES, new_key())
    assert (found.plain_size, found.plain_sha256) == (len(content), hashlib.sha256(content).digest())
    assert found.size == place.shelf.size(row.object) and source.is_wav == content.startswith(b"RIFF")


def test_a_store_that_gives_back_other_bytes_is_not_believed(place: Place) -> None:
    row = replace(place.stored(), object=f"{uuid.uuid4().hex}.cgv", key_id=uuid.uuid4())
    with pytest.raises(BadContainer):
        keep(Forgetful(place.folder / "vault"), row, Source.of(io.BytesIO(bytes(9_000_000))), Format.BYTES, new_key())


def test_what_was_begun_is_written_anew_and_what_is_made_is_opened(place: Place) -> None:
    row = place.stored()
    fresh = replace(row, artefact_id=str(uuid.uuid4()), parent_id=row.artefact_id, kind="summary", state="writing")

    class Full(Folder):
        def put(self, name: str, blocks: Iterable[bytes]) -> None:
            raise ShelfDown("No space left.")

    full = replace(place.room, shelf=Full(place.folder / "vault"))
    with pytest.raises(ShelfDown):
        full.keep(fresh, None, Source(iter([b"some", b" words"])), Format.BYTES, {})
    (begun,) = place.artefacts.find(recording_id=row.recording_id, states=("writing",))
    kept = place.room.keep(fresh, begun, Source(iter([b"some", b" words"])), Format.BYTES, {})
    assert kept.artefact_id == begun.artefact_id and b"".join(place.room.opened(kept).blocks()) == b"some words"
    assert len(place.objects()) == 2 and place.artefacts.stray_keys() == ()
    place.deletion.delete(kept, "asked for")
    with pytest.raises(CannotDecrypt, match="is gone"):
        place.room.opened(kept)
