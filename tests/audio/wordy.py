"""A package with a transcriber, as a site would install one: it says how loud the loudest sample is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

MODULE = """
from callguard.audio.transcriber import Word
class Wordy:
    def words(self, sound, rate, language):
        blocks = list(sound)
        yield Word(0.0, sum(map(len, blocks)) / rate, str(max(int(abs(block).max()) for block in blocks)))
"""


def install(folder: Path, package: str = "wordy", names: Sequence[str] = ("wordy", "twice")) -> Path:
    """FOLDER with PACKAGE in it, to be put on the path."""
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / f"{package}_words.py").write_text(MODULE)
    lines = [f"{name} = {package}_words:Wordy" for name in names]
    lines += ["broken = nowhere:Nothing"] if package == "wordy" else []
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("\n".join(["[callguard.transcribers]", *lines]) + "\n")
    return folder
