"""WAV files as streams of samples: a reader, a writer, and two legs made into one stereo file.

Belongs here: samples in and out, in blocks. Does not: headers (riff.py), what the samples mean (vad.py, verify.py).
Samples are int16 arrays of shape (frames, channels); positions count frames from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from callguard.audio.riff import Codec, Riff, parse, pcm_header
from callguard.audio.staged import staged
from callguard.errors import BadAudio, BadInput

Samples = NDArray[np.int16]
BLOCK_BYTES = 1 << 20
_MAX_BYTES = 0xFFFFFFFF - 64  # lengths in a WAV header have 32 bits


@dataclass(frozen=True, slots=True)
class Raw:
    """How a file without a header is to be read: as MixMonitor's option D, .sln, .ulaw and .gsm are written."""

    codec: Codec
    rate: int = 8000
    channels: int = 1


_SUBTYPES = {Codec.MULAW: "ULAW", Codec.ALAW: "ALAW", Codec.GSM: "GSM610"}


class WavReader:
    """One WAV file, or one that is open, read forwards in blocks: 16-bit PCM, mu-law, A-law, GSM. Use it as a context
    manager.

    `rate` in Hz, `channels` 1 or 2, `frames` the length. `raw`: the file has no header and is this. With `lenient`,
    a PCM file whose recorder died is read to its end whatever its header says, and may be empty; without, it is
    refused. Raises BadAudio.
    """

    def __init__(self, path: Path | BinaryIO, *, lenient: bool = False, raw: Raw | None = None) -> None:
        with ExitStack() as stack:
            self._file = stack.enter_context(_open(path))
            riff = _headless(self._file, raw) if raw else parse(self._file)
            if not lenient:
                _require_complete(riff)
            self.rate, self.channels = riff.rate, riff.channels
            self._sound = None if riff.codec is Codec.PCM16 else stack.enter_context(_decoder(path, raw))
            self.frames = riff.frames if self._sound is None else int(self._sound.frames)
            if not (self.frames or lenient):
                raise BadAudio("it holds no sound (0 samples)")
            self._data_at, self._at = riff.data_at, 0
            if self._sound is None:
                self._file.seek(riff.data_at)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(self, frames: int) -> Samples:
        """The next FRAMES frames, fewer at the end. Raises BadAudio when the file has become shorter meanwhile."""
        wanted = max(0, min(frames, self.frames - self._at))
        if self._sound is None:
            raw = self._file.read(wanted * self.channels * 2)
            block = np.frombuffer(raw[: len(raw) - len(raw) % (2 * self.channels)], "<i2").reshape(-1, self.channels)
        else:
            block = self._sound.read(wanted, dtype="int16", always_2d=True)
        if len(block) != wanted:
            raise BadAudio(f"truncated: it ends after {self._at + len(block)} of {self.frames} samples")
        self._at += wanted
        return block

    def skip_to(self, frame: int) -> None:
        """Go forward to FRAME. PCM seeks; the coded formats are read and dropped, as GSM cannot seek."""
        frame = min(frame, self.frames)
        if self._sound is None:
            self._file.seek(self._data_at + frame * self.channels * 2)
            self._at = frame
        while self._at < frame:
            self.read(min(self.block_frames, frame - self._at))

    def span(self, start: int, stop: int) -> Samples:
        """Frames START to STOP, cut to what the file has. On coded formats: in ascending order only."""
        start = min(max(0, start), self.frames)
        if self._sound is not None and start < self._at:
            raise BadAudio("mu-law, A-law and GSM files are read forwards only")
        self.skip_to(start)
        return self.read(stop - start)

    def blocks(self) -> Iterator[Samples]:
        """The rest of the file in blocks of about 1 MB."""
        while self._at < self.frames:
            yield self.read(self.block_frames)

    @property
    def block_frames(self) -> int:
        """Frames in a block of about 1 MB."""
        return BLOCK_BYTES // (2 * self.channels)


def _open(path: Path | BinaryIO) -> BinaryIO:
    if not isinstance(path, Path):
        return path
    try:
        return path.open("rb")
    except OSError as error:
        raise BadAudio(f"cannot be read: {error.strerror or type(error).__name__}") from error


def _decoder(path: Path | BinaryIO, raw: Raw | None) -> Any:
    import soundfile  # type: ignore[import-untyped,unused-ignore]  # 3 MB, which 16-bit PCM does without

    try:
        if not isinstance(path, Path):
            path.seek(0)
        if raw is None:
            return soundfile.SoundFile(path)
        return soundfile.SoundFile(path, "r", raw.rate, raw.channels, _SUBTYPES[raw.codec], format="RAW")
    except (soundfile.SoundFileError, ValueError) as error:
        raise BadAudio("cannot be decoded: the sound does not match its header or --format") from error


def _headless(file: BinaryIO, raw: Raw) -> Riff:
    present = file.seek(0, SEEK_END)
    block = raw.channels * (2 if raw.codec is Codec.PCM16 else 1)
    if raw.codec is Codec.PCM16 and present % block:
        raise BadAudio(f"{present} bytes are no whole number of samples of {block} bytes: look at --format")
    return Riff(raw.codec, raw.rate, raw.channels, block, 0, present, present, complete=True)


def _require_complete(riff: Riff) -> None:
    if riff.complete:
        return
    if riff.declared > riff.present:
        raise BadAudio(f"truncated: its header promises {riff.declared} bytes of sound, {riff.present} are there")
    raise BadAudio(f"unfinished: its header says {riff.declared} bytes of sound, {riff.present} are there")


class WavWriter:
    """16-bit PCM into an open binary FILE, streamed. `frames` counts the written; `finish` completes the header."""

    def __init__(self, file: BinaryIO, rate: int, channels: int) -> None:
        self._file, self._rate, self._channels = file, rate, channels
        self.frames = 0
        file.write(pcm_header(rate, channels, 0))

    def write(self, block: Samples) -> None:
        """Append BLOCK, shape (frames, channels). Raises BadAudio past 4 GiB, which a WAV header cannot count."""
        if (self.frames + len(block)) * 2 * self._channels > _MAX_BYTES:
            raise BadAudio("the result would pass 4 GiB, more than a WAV file can hold")
        self._file.write(np.ascontiguousarray(block, "<i2").data)
        self.frames += len(block)

    def finish(self) -> None:
        """Write the header anew, now that the length is known."""
        self._file.seek(0)
        self._file.write(pcm_header(self._rate, self._channels, self.frames * 2 * self._channels))


@dataclass(frozen=True, slots=True)
class Joined:
    """How long each leg was, in samples. A difference is a fact about the recorder: report it, do not hide it."""

    left: int
    right: int
    rate: int

    @property
    def samples(self) -> int:
        """Length of the stereo file."""
        return max(self.left, self.right)

    @property
    def difference(self) -> int:
        """Samples by which the left leg is longer (negative: the right one)."""
        return self.left - self.right


def join_legs(left: Path, right: Path, out: Path) -> Joined:
    """Two mono files of one rate become the stereo file OUT: left the far party, right the agent. Streaming and atomic.

    The shorter leg is followed by silence. A leg whose recorder died (length 0 in its header) is taken to its end.
    Raises BadAudio, which names the leg, or says why OUT cannot be written; the legs are as they were.
    """
    try:
        with ExitStack() as stack:
            legs = stack.enter_context(_leg(left, "left")), stack.enter_context(_leg(right, "right"))
            if legs[0].rate != legs[1].rate:
                raise BadAudio(f"the legs differ in rate: left {legs[0].rate} Hz, right {legs[1].rate} Hz")
            return _joined(*legs, stack.enter_context(staged(out, "the stereo file")))
    except BadInput as error:  # a full disk too: one kind of error for who has the legs to care for
        raise BadAudio(str(error)) from error


def _joined(left: WavReader, right: WavReader, file: BinaryIO) -> Joined:
    writer, joined = WavWriter(file, left.rate, 2), Joined(left.frames, right.frames, left.rate)
    while writer.frames < joined.samples:
        writer.write(_interleave(left.read(left.block_frames), right.read(right.block_frames)))
    writer.finish()
    return joined


def _leg(path: Path, side: str) -> WavReader:
    try:
        reader = WavReader(path, lenient=True)
    except BadAudio as error:
        raise BadAudio(f"{side} leg: {error}") from error
    if reader.channels != 1:
        reader.__exit__(None, None, None)
        raise BadAudio(f"{side} leg: it has {reader.channels} channels, a leg has one")
    return reader


def _interleave(left: Samples, right: Samples) -> Samples:
    block = np.zeros((max(len(left), len(right)), 2), np.int16)
    block[: len(left), 0] = left[:, 0]
    block[: len(right), 1] = right[:, 0]
    return block
