from __future__ import annotations

from callguard.core import events, recorded
from callguard.core.recorded import RecordingBlanked, RecordingEvent
from tests.core.play import START, play


def test_every_fact_about_a_recording_names_it_and_a_place_in_it() -> None:
    kinds = [kind for kind in events.FACTS.values() if issubclass(kind, RecordingEvent)]
    assert len(kinds) == 15 and all({"recording_id", "offset_samples"} <= set(kind(at=START).data()) for kind in kinds)


def test_they_are_reached_where_all_facts_are() -> None:
    names = [name for name in vars(recorded) if name.startswith(("Recording", "Mask", "Unmask", "Stop"))]
    assert len(names) == 15 and all(getattr(events, name) is getattr(recorded, name) for name in names)


def test_that_a_file_was_blanked_is_a_row_and_no_more() -> None:
    before = play().recording().hangs_up().stopped().whole()
    call = before.call
    assert before.recorder(RecordingBlanked, spans=("0-800",)).is_quiet().call == call
