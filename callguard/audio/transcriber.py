"""What makes words of speech: a port, filled by a package of the site's choice.

What belongs here: its shape, finding it. What does not: whether a recording may be transcribed (core/deriving.py),
where transcripts are kept (jobs/derive.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from callguard.audio.wav import Samples
from callguard.errors import BadInput

GROUP = "callguard.transcribers"
"""Of entry points: each names something to be called without arguments, or with the model that the settings name,
which gives a Transcriber."""


@dataclass(frozen=True, slots=True)
class Word:
    """Some text, and from which second to which it is heard."""

    start_s: float
    end_s: float
    text: str


class Transcriber(Protocol):
    """Whatever it needs (a model, a service under contract) it sees to itself."""

    def words(self, sound: Iterator[Samples], rate: int, language: str) -> Iterable[Word]:
        """What one side says, in order. SOUND: blocks of 16-bit samples of that side; RATE: Hz; LANGUAGE: as the call
        type says. Raises CallguardError: it is tried again."""


def transcriber(name: str, model: str = "") -> Transcriber:
    """The one called NAME, with MODEL if named. Raises BadInput where none or several packages bring it."""
    found = entry_points(group=GROUP, name=name)
    if len(found) != 1:
        many = "several packages bring" if found else "no installed package brings"
        raise BadInput(
            f"transcriber.name: {many} a transcriber called {name} (entry point {GROUP}); see docs/transcripts.md"
        )
    (entry,) = found
    try:
        made: Transcriber = entry.load()(*filter(None, [model]))
    except (ImportError, AttributeError) as error:
        raise BadInput(f"transcriber.name: {name} cannot be loaded ({type(error).__name__})") from None
    return made
