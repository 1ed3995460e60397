"""Make the prompts of one language: texts spoken by a free voice, and the manifest that lists them.

Belongs here: rendering, at build time. Does not: reading them at run time (audio/prompt.py). Needs the extra `prompts`
(pydub) and Debian's `flite`; neither is needed to use the prompts. Usage, in a folder with one TEXT.txt a prompt:

    python -m callguard.lab.prompts callguard/data/prompts/en             speak every text anew, then list
    python -m callguard.lab.prompts callguard/data/prompts/en --list      list recordings of your own
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from callguard.audio.prompt import FORMAT, MANIFEST, RATE, version_of
from callguard.audio.staged import staged
from callguard.audio.wav import WavReader, WavWriter
from callguard.errors import BadInput, Unreachable

VOICE = ("flite", "-voice", "slt")
LEVEL_DBFS = -20.0
LEAD_MS, TAIL_MS = 100, 60  # a path that opens late swallows the lead, not the first word
_QUIET_DBFS = -45.0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--list", "list_only", is_flag=True, help="Keep the recordings, write the manifest anew.")
def main(folder: Path, list_only: bool) -> None:
    """Render FOLDER/*.txt to 8 kHz mono WAV files beside them, and write their manifest."""
    try:
        texts = sorted(folder.glob("*.txt"))
        for text in texts if not list_only else ():
            write(speak(text.read_text(encoding="utf-8").strip()), text.with_suffix(".wav"))
        list_prompts(folder)
    except (BadInput, Unreachable) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(texts)} prompts listed")


def speak(text: str) -> NDArray[np.int16]:
    """TEXT as 8 kHz mono samples: silence trimmed, LEVEL_DBFS loud. Raises Unreachable without the voice or pydub."""
    try:
        from pydub import AudioSegment
        from pydub.silence import detect_leading_silence
    except ImportError as error:
        raise Unreachable("pydub is missing: pip install 'callguard[prompts]'") from error
    with tempfile.TemporaryDirectory(prefix="callguard-") as folder:
        voice = AudioSegment.from_wav(_spoken(text, Path(folder) / "voice.wav"))
    start = detect_leading_silence(voice, _QUIET_DBFS, 5)
    end = len(voice) - detect_leading_silence(voice.reverse(), _QUIET_DBFS, 5)
    voice = voice[max(0, start - 20) : end + 20].fade_in(5).fade_out(10)
    voice = voice._spawn(_narrowed(np.array(voice.get_array_of_samples(), np.int16), voice.frame_rate).tobytes())
    voice = voice.set_channels(1).set_frame_rate(RATE)
    voice = voice.apply_gain(LEVEL_DBFS - voice.dBFS)
    quiet = AudioSegment.silent(LEAD_MS, RATE), AudioSegment.silent(TAIL_MS, RATE)
    return np.array((quiet[0] + voice + quiet[1]).get_array_of_samples(), np.int16)


def _spoken(text: str, out: Path) -> Path:
    """The voice's own WAV file at OUT. The text is an argument of its own: no shell reads it."""
    try:
        subprocess.run([*VOICE, "-t", text, "-o", str(out)], check=True, capture_output=True, timeout=60)
    except FileNotFoundError as error:
        raise Unreachable(f"the program {VOICE[0]} is missing: apt-get install {VOICE[0]}") from error
    except subprocess.SubprocessError as error:
        raise Unreachable(f"the program {VOICE[0]} failed on a text of {len(text)} characters") from error
    return out


def _narrowed(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Without what lies above 3.6 kHz: pydub drops samples without a filter, and hiss would fold into the speech."""
    at = np.arange(-50, 51)
    kernel = np.sinc(2 * 3600 / rate * at) * np.hamming(len(at))
    return np.convolve(samples, kernel / kernel.sum(), "same").round().clip(-32768, 32767).astype(np.int16)


def write(samples: NDArray[np.int16], path: Path) -> None:
    """SAMPLES as a WAV file, atomically."""
    with staged(path, path.name) as file:
        writer = WavWriter(file, RATE, 1)
        writer.write(samples.reshape(-1, 1))
        writer.finish()


def list_prompts(folder: Path) -> None:
    """Write the manifest of FOLDER, whose name is the language. Raises BadInput where a recording cannot be used."""
    rows = [_row(text, folder.resolve().name) for text in sorted(folder.glob("*.txt"))]
    manifest = {"format": FORMAT, "version": 1, "prompts": rows}
    with staged(folder / MANIFEST, MANIFEST) as file:
        file.write(json.dumps(manifest, indent=2).encode() + b"\n")


def _row(text: Path, language: str) -> dict[str, object]:
    sound = text.with_suffix(".wav")
    try:
        with WavReader(sound) as reader:
            seconds = round(reader.frames / reader.rate, 3)
    except BadInput as error:
        raise BadInput(f"prompt {text.stem}: {error}") from error
    return {
        "id": text.stem,
        "language": language,
        "text_version": version_of(text.read_text(encoding="utf-8")),
        "sha256": hashlib.sha256(sound.read_bytes()).hexdigest(),
        "duration_s": seconds,
    }


if __name__ == "__main__":
    main()
