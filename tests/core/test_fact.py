from __future__ import annotations

import pytest

from callguard.core.fact import Event
from tests.core.play import START


def test_a_fact_has_a_time_a_channel_and_nothing_else() -> None:
    fact = Event(at=START)
    assert (fact.at, fact.channel_id, fact.type, fact.data()) == (START, "", "", {})
    with pytest.raises(TypeError):
        Event()  # type: ignore[call-arg]
