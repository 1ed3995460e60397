"""Incidents of jobs: once, in the log where they belong, and told."""

from __future__ import annotations

from tests.jobs.site import Place


def test_an_incident_is_opened_and_told_once(place: Place) -> None:
    ended = place.artefacts.recording(place.ended())
    assert [place.incidents.open("recording_gone", "r1", ended) for _ in range(2)] == [True, False]
    assert [place.incidents.open("unknown_file", "file") for _ in range(2)] == [True, False]
    assert place.incidents.open("unknown_file", "another file")
    assert place.kinds() == ["recording_gone", "unknown_file", "unknown_file"] and len(place.told) == 3
    asked = "SELECT count(*) FROM callguard.activation WHERE kind = 'incident_opened'"
    assert place.artefacts.connection.execute(asked).fetchone() == (2,)
