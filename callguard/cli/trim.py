"""`callguard trim`: a recording without its silence, and where every sample went.

Belongs here: options, files named on the command line, the summary. Does not: cutting (callguard.audio.trim).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from callguard.audio.riff import Codec
from callguard.audio.trim import PROFILES, Extra, Trimmed, file_sha256
from callguard.audio.trim import trim as cut
from callguard.audio.wav import Raw
from callguard.cli.plain import config_option
from callguard.core.marks import Marks, marks, recording_of
from callguard.errors import BadAudio, BadInput

_PATH = click.Path(path_type=Path)
_RAW = {
    "slin": Raw(Codec.PCM16),
    "slin16": Raw(Codec.PCM16, 16000),
    "slin48": Raw(Codec.PCM16, 48000),
    "ulaw": Raw(Codec.MULAW),
    "alaw": Raw(Codec.ALAW),
    "gsm": Raw(Codec.GSM),
}


@click.command()
@click.argument("source", metavar="IN", type=_PATH)
@click.argument("target", metavar="OUT", type=_PATH)
@click.option("--segments", type=_PATH, metavar="OUT.json", help='Kept parts: [{"start": s, "end": s}, ...], seconds.')
@click.option("--map", "time_map", type=_PATH, metavar="MAP.json", help="Time map: [[start, end, trimmed start], ...].")
@click.option(
    "--events", type=_PATH, metavar="FILE", help="Samples to protect, 2 s each side: a JSON list or one a line."
)
@click.option("--log", metavar="FILE|CALL", help="Its call: consent, pause and digits stay, hold goes.")
@config_option
@click.option("--explain", type=_PATH, metavar="OUT.png", help="A picture: waveform, kept parts, events.")
@click.option(
    "--profile", type=click.Choice(list(PROFILES)), default="safe", show_default=True, help="How hard to cut."
)
@click.option("--format", "raw", type=click.Choice(list(_RAW)), help="IN has no header and is this.")
@click.option("--channels", type=click.IntRange(1, 2), help="With --format: 2 for MixMonitor's option D.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def trim(
    source: Path,
    target: Path,
    segments: Path | None,
    time_map: Path | None,
    events: Path | None,
    log: str | None,
    config: Path,
    explain: Path | None,
    profile: str,
    raw: str | None,
    channels: int | None,
    as_json: bool,
) -> None:
    """Write the recording IN without its silence to OUT, sample-exact; stereo is cut where both sides are silent."""
    if channels and not raw:
        raise BadInput("--channels goes with --format: a WAV file says itself how many it has")
    form = replace(_RAW[raw], channels=channels or 1) if raw else None
    try:
        known = _marks(log, config, source) if log else Marks()
        protected = [*(read_events(events) if events else ()), *known.telling]
        result = cut(
            source,
            target,
            protected=protected,
            idle=known.idle,
            extras=[*_extras(segments, time_map), *_explained(explain, source, protected, form)],
            profile=PROFILES[profile],
            raw=form,
            hashed=as_json,
        )
    except BadAudio as error:
        raise BadAudio(f"IN: {error}") from error
    click.echo(json.dumps(summary(result, profile)) if as_json else sentence(result))


def _marks(log: str, config: Path, source: Path) -> Marks:
    """What the log of a call says of the recording that SOURCE is. Raises BadInput where it is none of its."""
    from callguard.cli.replay import fact_of, find_story  # with the driver of the database, which is slow to load

    events = [fact_of(line) for line in find_story(log, config).lines if not line.derived]
    recording_id = recording_of(events, file_sha256(source))
    if recording_id is None:
        raise BadInput("--log: IN is no finished recording of this call: no verdict in the log has its sha256")
    return marks(events, recording_id)


def _extras(segments: Path | None, time_map: Path | None) -> list[Extra]:
    extras = []
    if segments:
        extras.append(Extra(segments, "--segments", lambda result: listed(result.segments())))
    if time_map:
        extras.append(Extra(time_map, "--map", lambda result: listed(result.map.rows())))
    return extras


def listed(rows: Iterable[object]) -> Iterator[bytes]:
    """ROWS as a JSON list, one at a time: a day has tens of thousands of them."""
    yield b"["
    for at, row in enumerate(rows):
        yield (", " if at else "").encode() + json.dumps(row).encode()
    yield b"]"


def _explained(path: Path | None, source: Path, events: list[int], raw: Raw | None) -> list[Extra]:
    if path is None:
        return []
    from callguard.audio.picture import picture  # with Pillow, which nothing else needs

    return [Extra(path, "--explain", lambda result: [picture(source, result.map, events, raw)])]


def read_events(path: Path) -> list[int]:
    """Sample numbers to protect, from a JSON list or one a line. Raises BadInput, which names the place."""
    try:
        text = path.read_text(encoding="ascii").strip()
        found = json.loads(text) if text.startswith("[") else [int(line) for line in text.split()]
    except OSError as error:
        raise BadInput(f"--events cannot be read: {error.strerror or type(error).__name__}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput("--events: not a JSON list of sample numbers, nor one a line") from error
    for place, value in enumerate(found, start=1):
        if type(value) is not int or value < 0:
            raise BadInput(f"--events: entry {place} is not a sample number (a whole number from 0)")
    return found


def summary(result: Trimmed, profile: str) -> dict[str, object]:
    """What `--json` prints: settings, lengths in samples and seconds, hashes of both files."""
    return {
        "settings": {"profile": profile, **PROFILES[profile].as_data()},
        "rate": result.rate,
        "channels": result.channels,
        "original_samples": result.original_samples,
        "trimmed_samples": result.map.trimmed_samples,
        "removed_s": round(result.removed_s, 3),
        "segments": len(result.map),
        "original_sha256": result.original_sha256,
        "trimmed_sha256": result.trimmed_sha256,
    }


def sentence(result: Trimmed) -> str:
    """The same for people."""
    length = result.original_samples / result.rate
    return f"{result.removed_s:.1f} s of {length:.1f} s removed, {len(result.map)} part(s) kept"
