"""`callguard trim` as an admin runs it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.timemap import TimeMap
from callguard.audio.trim import SAFE
from callguard.cli.trim import read_events
from callguard.errors import BadInput
from tests.audio.sound import noise, read, silence, spoken, write


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "callguard", "trim", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.wav", np.concatenate((silence(6), spoken("question"), silence(6))))


@pytest.mark.requirement("S126")
def test_segments_map_and_summary_agree_with_the_sound(tmp_path: Path, source: Path) -> None:
    out, segments, time_map = tmp_path / "out.wav", tmp_path / "s.json", tmp_path / "m.json"
    (tmp_path / "events.json").write_text("[88000]")
    done = run(source, out, "--segments", segments, "--map", time_map, "--events", tmp_path / "events.json", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told, parts = json.loads(done.stdout), json.loads(segments.read_text())
    sound = read(source)
    kept = np.concatenate([sound[round(part["start"] * 8000) : round(part["end"] * 8000)] for part in parts])
    assert np.array_equal(read(out), kept)
    mapped = TimeMap.from_json(time_map.read_text())
    assert [[part.start / 8000, part.end / 8000] for part in mapped] == [[p["start"], p["end"]] for p in parts]
    assert not mapped.to_trimmed(88_000 + 15_999).clamped
    assert (told["original_samples"], told["trimmed_samples"]) == (len(sound), len(kept))
    assert told["settings"] == {"profile": "safe", **SAFE.as_data()}
    assert told["original_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert told["trimmed_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()


@pytest.mark.requirement("S126")
def test_explain_draws_a_picture(tmp_path: Path, source: Path) -> None:
    (tmp_path / "events").write_text("88000")
    done = run(source, tmp_path / "out.wav", "--explain", tmp_path / "why.png", "--events", tmp_path / "events")
    assert done.returncode == 0 and (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    done = run(source, tmp_path / "out.wav", "--explain", tmp_path / "none" / "why.png")
    assert done.returncode == 2 and "--explain" in done.stderr


def test_without_options_one_sentence(tmp_path: Path, source: Path) -> None:
    done = run(source, tmp_path / "out.wav")
    assert done.returncode == 0
    assert "s removed, 1 part(s) kept" in done.stdout


@pytest.mark.parametrize("content", ["[1.5]", "[true]", "[-1]", "one", "[1", "[" * 100_000, "1\n-2", '["1"]', "\xe9"])
def test_bad_events_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "events").write_text(content)
    with pytest.raises(BadInput, match="--events: "):
        read_events(tmp_path / "events")


@pytest.mark.parametrize("content", ["[5, 80]", "5\n80\n"])
def test_events_are_a_list_or_one_a_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "events").write_text(content)
    assert read_events(tmp_path / "events") == [5, 80]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (["missing.wav", "out.wav"], "IN: cannot be read: No such file"),
        (["in.wav", "in.wav"], "IN and OUT are the same file"),
        (["in.wav", "missing/out.wav"], "OUT cannot be written: No such file"),
        (["in.wav", "out.wav", "--segments", "in.wav"], "IN and --segments are the same file"),
        (["in.wav", "out.wav", "--map", "missing/map.json"], "--map cannot be written"),
        (["in.wav", "out.wav", "--events", "missing"], "--events cannot be read"),
        (["cut.wav", "out.wav"], "IN: truncated"),
        (["rate.wav", "out.wav"], "IN: 22050 Hz is not supported"),
        (["loop", "out.wav"], "IN: cannot be read: Too many levels"),
        (["in.wav", "loop"], "OUT cannot be written: "),
        (["pipe", "out.wav"], "IN: it is not a regular file"),
        (["in.wav", "pipe"], "OUT cannot be written: it exists and is not a regular file"),
        (["large.wav", "out.wav"], "IN: an RF64 file"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(tmp_path: Path, source: Path, wrong: list[str], reason: str) -> None:
    (tmp_path / "cut.wav").write_bytes(source.read_bytes()[:-500])
    write(tmp_path / "rate.wav", noise(1, -20), rate=22050)
    (tmp_path / "large.wav").write_bytes(b"RF64" + source.read_bytes()[4:])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}
    done = run(*(tmp_path / name if not name.startswith("--") else name for name in wrong), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()} == before
