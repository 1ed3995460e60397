"""From two legs to one stored recording with a verdict, or to nothing but a receipt."""

from __future__ import annotations

import hashlib
import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.riff import pcm_header
from callguard.audio.verify import LENGTH
from callguard.audio.wav import WavReader
from callguard.core.effects import DiscardRecording, MeasureRecording
from callguard.core.events import (
    RecordingBlanked,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingLost,
    RecordingVerified,
)
from callguard.engine.archive import NO_MEDIA, REPAIRED, Archive, file_sha256
from tests.audio.sound import crashed, key, noise, write

ID = "7b0e8f6e-0000-4000-8000-000000000001"
SECONDS = 3.0


def effect(seconds: float = SECONDS, masks: tuple[tuple[int, int], ...] = ()) -> MeasureRecording:
    return MeasureRecording(channel_id="far", recording_id=ID, seconds=seconds, masks=masks)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive with the two legs of one recording, of which a second is masked."""
    own = Archive(tmp_path)
    for number, leg in enumerate(own.legs(ID)):
        sound = noise(SECONDS, -20, number)
        sound[8000:16000] = 0
        write(leg, sound)
    return own


def test_what_agrees_with_the_log_is_verified(archive: Archive) -> None:
    (verdict,) = archive.measure(effect(masks=((8000, 16000),)), None)
    assert isinstance(verdict, RecordingVerified)
    assert verdict.sha256 == file_sha256(archive.stored(ID)) and verdict.offset_samples == SECONDS * 8000
    assert archive.files(ID) == [archive.stored(ID)]


@pytest.mark.parametrize("asked", [effect(seconds=10.0), effect(masks=((4000, 12000),))])
def test_what_disagrees_is_damaged_and_kept(archive: Archive, asked: MeasureRecording) -> None:
    (verdict,) = archive.measure(asked, None)
    assert isinstance(verdict, RecordingDamaged) and verdict.findings and verdict.sha256
    assert archive.files(ID) == [archive.stored(ID)]


def test_a_verdict_that_was_lost_can_be_had_again(archive: Archive) -> None:
    (first,) = archive.measure(effect(masks=((8000, 16000),)), None)
    (again,) = archive.measure(effect(masks=((8000, 16000),)), None)
    assert isinstance(first, RecordingVerified) and isinstance(again, RecordingVerified)
    assert (again.sha256, again.offset_samples) == (first.sha256, first.offset_samples)


@pytest.mark.parametrize("missing", [0, 1, None])
def test_without_both_legs_it_is_lost(archive: Archive, missing: int | None) -> None:
    for number, leg in enumerate(archive.legs(ID)):
        if missing in (number, None):
            leg.unlink()
    assert isinstance(archive.measure(effect(), None)[0], RecordingLost)


def test_what_a_link_leads_to_is_neither_kept_nor_destroyed(archive: Archive, tmp_path: Path) -> None:
    left, right = archive.legs(ID)
    other = tmp_path / "somebody else's.wav"
    left.rename(other)
    before = other.read_bytes()
    left.symlink_to(other)
    assert isinstance(archive.measure(effect(), None)[0], RecordingLost)
    assert archive.files(ID) == [right] and other.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a sound", b"RIFF\0\0\0\0WAVE"])
def test_what_cannot_be_read_is_damaged(archive: Archive, content: bytes) -> None:
    archive.legs(ID)[0].write_bytes(content)
    (verdict,) = archive.measure(effect(), None)
    assert isinstance(verdict, RecordingDamaged) and archive.legs(ID)[0].exists() and verdict.lost_ms == 3000


@pytest.mark.requirement("S124")
def test_fault_asterisk_455_legs_without_a_length_are_repaired_flagged_and_the_loss_is_told(archive: Archive) -> None:
    for leg in archive.legs(ID):
        crashed(leg)
    (verdict,) = archive.measure(effect(seconds=4.25, masks=((8000, 16000),)), None)
    assert isinstance(verdict, RecordingDamaged) and verdict.findings == (REPAIRED, LENGTH)
    assert len(verdict.places) == 2 and verdict.places[1] == str(verdict.offset_samples)
    assert (verdict.lost_ms, verdict.offset_samples) == (1250, SECONDS * 8000)
    assert verdict.left_db < -15 and verdict.sha256 == file_sha256(archive.stored(ID))
    with WavReader(archive.stored(ID)) as reader:  # strictly: its header is right
        assert reader.frames == SECONDS * 8000


@pytest.mark.requirement("S124")
def test_what_is_on_the_disk_is_kept_though_nothing_else_is_known(archive: Archive) -> None:
    for leg in archive.legs(ID):
        crashed(leg)
    (verdict,) = archive.measure(effect(seconds=-1), None)
    assert isinstance(verdict, RecordingDamaged) and (verdict.findings, verdict.lost_ms) == ((REPAIRED,), 0)


@pytest.mark.requirement("S124")
def test_a_leg_of_which_nothing_reached_the_disk_is_taken_as_empty(archive: Archive) -> None:
    archive.legs(ID)[0].write_bytes(b"")
    crashed(archive.legs(ID)[1])
    (verdict,) = archive.measure(effect(seconds=4.5), None)
    assert isinstance(verdict, RecordingDamaged) and verdict.lost_ms == 4500
    assert verdict.findings[0] == REPAIRED and verdict.left_db == -100 and verdict.right_db > -30


@pytest.mark.requirement("S124")
@pytest.mark.parametrize("content", [b"", pcm_header(8000, 1, 0)])
@pytest.mark.parametrize("seconds", [0.0, 0.9, 1.1, -1.0])
def test_without_a_sample_nothing_is_kept_and_nothing_is_missing_where_the_call_ended_at_once(
    archive: Archive, content: bytes, seconds: float
) -> None:
    for leg in archive.legs(ID):
        leg.write_bytes(content)
    (verdict,) = archive.measure(effect(seconds=seconds), None)
    at_once = 0 <= seconds < 1
    assert isinstance(verdict, RecordingDiscarded if at_once else RecordingLost)
    assert verdict.reason == NO_MEDIA and archive.files(ID) == []
    assert isinstance(verdict, RecordingDiscarded) or verdict.lost_ms == max(0, round(seconds * 1000))


def sound_of(archive: Archive) -> np.ndarray:
    with WavReader(archive.stored(ID)) as reader:
        return reader.read(reader.frames)


@pytest.mark.requirement("S82")
def test_what_came_before_a_pause_is_silent_in_the_file_and_the_fact_names_both_files(archive: Archive) -> None:
    plain = effect(masks=((8000, 16000),))
    archive.measure(plain, None)
    before, unblanked = file_sha256(archive.stored(ID)), sound_of(archive)
    blanked, verdict = archive.measure(replace(plain, blanks=((2000, 8100), (20_000, -1))), None)
    assert isinstance(blanked, RecordingBlanked) and blanked.spans == ("2000-8100", "20000-24000")
    assert isinstance(verdict, RecordingVerified) and verdict.offset_samples == SECONDS * 8000
    assert blanked.sha256_before == before != blanked.sha256 == verdict.sha256 == file_sha256(archive.stored(ID))
    sound = sound_of(archive)
    assert not sound[2000:8100].any() and not sound[20_000:].any()
    assert np.array_equal(sound[:2000], unblanked[:2000]) and np.array_equal(
        sound[16_000:20_000], unblanked[16_000:20_000]
    )
    (again,) = archive.measure(replace(plain, blanks=((30_000, 30_000),)), None)  # behind its end
    assert isinstance(again, RecordingVerified)


@pytest.mark.requirement("S82")
def test_keys_that_sound_are_silent_in_the_file_where_the_call_type_says_so(archive: Archive) -> None:
    legs = archive.legs(ID)
    number = np.concatenate([np.concatenate((key(770, 1336), np.zeros(2400, np.int16))) for _ in range(3)])
    for leg, sound in zip(legs, (number, np.zeros_like(number)), strict=True):
        write(leg, sound)
    archive.measure(effect(), None)
    assert sound_of(archive).any(), "nobody asked for it"
    blanked, _ = archive.measure(replace(effect(), digits=True), None)
    assert isinstance(blanked, RecordingBlanked) and (blanked.digits, len(blanked.spans)) == (3, 3)
    assert not sound_of(archive).any() and len(sound_of(archive)) == len(number)


@pytest.mark.requirement("S82")
def test_what_a_recording_was_made_of_is_overwritten(archive: Archive) -> None:
    """A key that was blanked in the recording sounds in its legs still, and in what it was before."""
    twins = [archive.directory / f"twin-{number}" for number in (0, 1)]
    for leg, twin in zip(archive.legs(ID), twins, strict=True):
        os.link(leg, twin)
    archive.measure(replace(effect(), blanks=((2000, 8100),)), None)
    assert not any(any(twin.read_bytes()) for twin in twins)
    os.link(archive.stored(ID), archive.directory / "whole")
    archive.discard(DiscardRecording(channel_id="far", recording_id=ID))
    assert not any((archive.directory / "whole").read_bytes())


def test_what_cannot_be_blanked_is_told(archive: Archive) -> None:
    archive.legs(ID)[0].write_bytes(b"not a sound")
    (verdict,) = archive.measure(replace(effect(), blanks=((2000, 8100),)), None)
    assert isinstance(verdict, RecordingDamaged) and verdict.findings == ("unreadable", "not blanked")


@pytest.mark.requirement("S123", "S124")
def test_legs_that_a_full_disk_keeps_apart_are_not_lost(archive: Archive) -> None:
    """What is missing is what no leg holds; with space again the same files give a verdict."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # a leg fits, the two of them do not
    try:
        (verdict,) = archive.measure(effect(SECONDS + 0.5), None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(verdict, RecordingDamaged) and verdict.findings == ("unreadable",) and verdict.lost_ms == 500
    assert {*archive.directory.iterdir()} == {*archive.legs(ID)}
    (verdict,) = archive.measure(effect(), None)
    assert not isinstance(verdict, RecordingDamaged) or "unreadable" not in verdict.findings


def test_nothing_is_left_of_a_discarded_recording_but_its_receipt(archive: Archive) -> None:
    other = write(archive.directory / "another-left.wav", np.zeros(10, np.int16))
    hashes = b"".join(bytes.fromhex(file_sha256(leg)) for leg in archive.legs(ID))
    size = sum(leg.stat().st_size for leg in archive.legs(ID))
    receipt = archive.discard(DiscardRecording(channel_id="far", recording_id=ID))
    assert (receipt.sha256, receipt.size_bytes) == (hashlib.sha256(hashes).hexdigest(), size)
    assert list(archive.directory.iterdir()) == [other]
    assert archive.discard(DiscardRecording(channel_id="far", recording_id=ID)).size_bytes == 0


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_fault_asterisk_1276_legs_of_two_rates_are_damaged_and_kept(archive: Archive, rate: int) -> None:
    """A recorder that follows its channel's codec writes one side faster than the other."""
    right = archive.legs(ID)[1]
    data = bytearray(right.read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    right.write_bytes(data)
    (verdict,) = archive.measure(effect(), None)
    assert isinstance(verdict, RecordingDamaged) and verdict.findings[0] == "unreadable"
    assert all(leg.exists() for leg in archive.legs(ID))
