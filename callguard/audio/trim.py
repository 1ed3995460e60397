"""Cut the silence out of a recording, to the sample, and say what was cut.

Belongs here: which parts stay, and the cutting. Does not: what is speech (vad.py), the map's arithmetic (timemap.py).
Two passes over the file, block by block: memory does not grow with the length of the call.
"""

from __future__ import annotations

import hashlib
import math
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from os.path import realpath
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from callguard.audio.runs import Runs
from callguard.audio.staged import staged
from callguard.audio.timemap import TimeMap
from callguard.audio.vad import FRAME_S, SpeechDetector
from callguard.audio.wav import Raw, Samples, WavReader, WavWriter
from callguard.errors import BadAudio, BadInput

BLIP_S = 0.06  # a shorter stretch is a click
PROTECT_S = 2.0  # kept on both sides of a protected instant: consent, pause and digit events

_ARENA_BYTES = 16 << 20

Segments = NDArray[np.int64]
"""(parts, 2): start and end of each in samples, ascending and apart."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How hard to cut. `before`, `after`: seconds kept around speech; `mode`: of WebRTC's detector; `closely`: tones,
    music and noise between phrases are told from speech by their spectrum, which takes twice the time."""

    before: float
    after: float
    mode: int = 1
    closely: bool = True

    def as_data(self) -> dict[str, float | bool]:
        """Everything that decides what is cut."""
        own = {"before_s": self.before, "after_s": self.after, "mode": self.mode, "closely": self.closely}
        return {**own, "blip_s": BLIP_S, "protect_s": PROTECT_S}


SAFE = Profile(before=0.11, after=0.23)
"""No speech is lost: for what is kept instead of the original."""
PROFILES = {
    "safe": SAFE,
    "tight": Profile(before=0.08, after=0.18, mode=2),
    "fast": Profile(before=0.25, after=0.25, closely=False),
}


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What a trim did. Lengths in samples at `rate`; the hashes are sha256 of the whole files, in hex, '' where nobody
    wanted them."""

    rate: int
    channels: int
    original_samples: int
    original_sha256: str
    trimmed_sha256: str
    map: TimeMap

    @property
    def removed_s(self) -> float:
        """Seconds cut out."""
        return (self.original_samples - self.map.trimmed_samples) / self.rate

    def segments(self) -> Iterator[dict[str, float]]:
        """The kept parts, {"start": s, "end": s} each, in seconds of the original."""
        return ({"start": part.start / self.rate, "end": part.end / self.rate} for part in self.map)


@dataclass(frozen=True, slots=True)
class Extra:
    """A file to write along with the sound. `label` names it in errors; `content` makes what is in it."""

    path: Path
    label: str
    content: Callable[[Trimmed], Iterable[bytes]]


def trim(
    source: Path,
    target: Path,
    *,
    protected: Sequence[int] = (),
    idle: Sequence[tuple[int, int]] = (),
    extras: Sequence[Extra] = (),
    profile: Profile = SAFE,
    raw: Raw | None = None,
    hashed: bool = True,
) -> Trimmed:
    """Write SOURCE without its silence to TARGET, 16-bit PCM, the kept samples unchanged.

    `raw`: SOURCE has no header and is this. `protected`: sample numbers with PROTECT_S kept on both sides. `idle`:
    (start, end) in samples where what sounds is no talk. Stereo is cut only where both channels are silent. `hashed`:
    both files are hashed, which takes a quarter of the time of the profile `fast`. TARGET and all `extras` appear, or
    none. Raises BadAudio about SOURCE, BadInput about what is to be written.
    """
    outputs = [(target, "OUT"), *((extra.path, extra.label) for extra in extras)]
    _require_apart([(source, "IN"), *outputs])
    before, sha256 = _state(source), file_sha256(source) if hashed else ""
    with WavReader(source, raw=raw) as reader:
        segments = segments_of(reader, protected=protected, idle=idle, profile=profile)
    with ExitStack() as stack:
        files = [stack.enter_context(staged(path, label)) for path, label in outputs]
        with WavReader(source, raw=raw) as reader:
            _copy(reader, segments, files[0])
            if _state(source) != before:
                raise BadAudio("it changed while it was being trimmed: wait until the recorder has stopped")
            own = _sha256_of(files[0]) if hashed else ""
            result = Trimmed(reader.rate, reader.channels, reader.frames, sha256, own, TimeMap.of(segments))
        for file, extra in zip(files[1:], extras, strict=True):
            file.writelines(extra.content(result))
    return result


def segments_of(
    reader: WavReader,
    *,
    protected: Sequence[int] = (),
    idle: Sequence[tuple[int, int]] = (),
    profile: Profile = SAFE,
) -> Segments:
    """The parts of what READER reads, all of it, that are kept. `protected`, `idle`: see `trim`."""
    return keep(_speech(reader, idle, profile), reader.rate, reader.frames, protected, profile)


def _state(path: Path) -> tuple[int, ...]:
    """What changes when a file is written to, or exchanged. Raises BadAudio, also where it is no regular file."""
    try:
        seen = path.stat()
    except OSError as error:
        raise BadAudio(f"cannot be read: {error.strerror or type(error).__name__}") from error
    if not stat.S_ISREG(seen.st_mode):  # a pipe can be read but once, and waits for who may never write
        raise BadAudio("it is not a regular file")
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def _require_apart(files: Sequence[tuple[Path, str]]) -> None:
    for (one, first), (other, second) in combinations(files, 2):
        if realpath(one) == realpath(other) or (one.exists() and other.exists() and one.samefile(other)):
            raise BadInput(f"{first} and {second} are the same file: give each a name of its own")


def keep(
    speech: NDArray[np.int64], rate: int, samples: int, protected: Iterable[int] = (), profile: Profile = SAFE
) -> Segments:
    """The parts to keep. `speech`: (start, end) of each run of speech, in frames of 30 ms."""
    before, after, protect = round(profile.before * rate), round(profile.after * rate), round(PROTECT_S * rate)
    runs = (speech * FRAME_S * rate).round().astype(np.int64)
    runs = runs[runs[:, 1] - runs[:, 0] >= round(BLIP_S * rate)] + (-before, after)
    told = np.array([min(max(at, -protect), samples + protect) for at in protected], np.int64)
    wide = np.concatenate((runs, told[:, None] + (-protect, protect))).clip(0, samples)
    return _joined(wide[wide[:, 0] < wide[:, 1]])


def _joined(stretches: NDArray[np.int64]) -> Segments:
    """(start, end) in any order; those that overlap or touch become one. A day has tens of thousands of them."""
    if not len(stretches):
        return stretches
    ascending = stretches[np.argsort(stretches[:, 0], kind="stable")]
    ends = np.maximum.accumulate(ascending[:, 1])
    apart = ascending[1:, 0] > ends[:-1]
    starts = ascending[np.concatenate(([True], apart)), 0]
    return np.stack((starts, ends[np.concatenate((apart, [True]))]), axis=1)


def _speech(reader: WavReader, idle: Sequence[tuple[int, int]], profile: Profile) -> NDArray[np.int64]:
    """Runs of frames where any channel speaks, and not in IDLE."""
    np.empty(_ARENA_BYTES, np.uint8)  # freed at once: from now on glibc keeps such memory, see mallopt(3)
    detectors = [
        SpeechDetector(reader.rate, closely=profile.closely, mode=profile.mode) for _ in range(reader.channels)
    ]
    runs, frame = Runs(), FRAME_S * reader.rate
    still = [(math.ceil(start / frame), math.floor(end / frame)) for start, end in idle]
    for block in reader.blocks():
        for channel, detector in enumerate(detectors):
            detector.feed(block[:, channel])
        runs.feed(_without([detector.take() for detector in detectors], still, runs.frames))
    runs.feed(_without([detector.finish() for detector in detectors], still, runs.frames))
    return runs.finish()


def _without(channels: Sequence[NDArray[np.bool_]], idle: Sequence[tuple[int, int]], first: int) -> NDArray[np.bool_]:
    """Where any of CHANNELS is flagged and none of IDLE is, all in frames. FIRST: the number of the first flag."""
    flags: NDArray[np.bool_] = np.logical_or.reduce(channels)
    for start, end in idle:
        flags[max(0, start - first) : max(0, end - first)] = False
    return flags


def _copy(reader: WavReader, segments: Segments, file: BinaryIO) -> None:
    try:
        writer = WavWriter(file, reader.rate, reader.channels)
        for block in kept_blocks(reader, segments):
            writer.write(block)
        writer.finish()
    except OSError as error:  # before whatever is written beside it takes it for its own
        raise BadInput(f"OUT cannot be written: {error.strerror or type(error).__name__}") from error


def kept_blocks(reader: WavReader, segments: Segments) -> Iterator[Samples]:
    """What READER, at its beginning, has in SEGMENTS, in blocks of 1 MB at most."""
    for start, end in ((int(start), int(end)) for start, end in segments):
        reader.skip_to(start)
        for at in range(start, end, reader.block_frames):
            yield reader.read(min(reader.block_frames, end - at))


def file_sha256(path: Path) -> str:
    """sha256 of the file's bytes, in hex. Raises BadAudio when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadAudio(f"cannot be read: {error.strerror or type(error).__name__}") from error


def _sha256_of(file: BinaryIO) -> str:
    """As `file_sha256`, of a file that is open for writing and reading."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
