"""Finding a transcriber: by an entry point of an installed package, or one sentence about what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from callguard.audio.transcriber import transcriber
from callguard.errors import BadInput
from tests.audio.wordy import install


def test_a_package_that_is_installed_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path)))
    blocks = iter([np.full(8000, 500, np.int16), np.zeros(8000, np.int16)])
    (word,) = transcriber("wordy").words(blocks, 8000, "en")
    assert (word.text, word.start_s, word.end_s) == ("500", 0.0, 2.0)


@pytest.mark.parametrize(
    ("name", "says"), [("nobody", "no installed package brings"), ("broken", "cannot be loaded"), ("twice", "several")]
)
def test_one_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "a")))
    monkeypatch.syspath_prepend(str(install(tmp_path / "b", package="other", names=("twice",))))
    with pytest.raises(BadInput, match=says):
        transcriber(name)
