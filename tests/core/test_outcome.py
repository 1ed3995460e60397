from __future__ import annotations

from dataclasses import replace

from callguard.core.effects import Alert, SendOn
from callguard.core.events import Outcome, Record
from callguard.core.outcome import Step, incident, record, unexpected
from callguard.core.word import Cause
from tests.core.play import play

CALL = play().call
PAUSED = replace(CALL, causes=frozenset({Cause.KEY}))


def test_steps_are_joined_in_order() -> None:
    one = Step(CALL, (SendOn(channel_id="a"),), (Record(Outcome.UNEXPECTED),), ("first",))
    two = one.then(lambda call: Step(PAUSED, (SendOn(channel_id="b"),), (), ("second",)))
    assert two.call == PAUSED
    assert [effect.channel_id for effect in two.effects] == ["a", "b"]
    assert (two.records, two.reasons) == (one.records, ("first", "second"))
    assert one.also(Step(PAUSED)).call == PAUSED


def test_a_record() -> None:
    assert record(CALL, Outcome.CONSENT_GRANTED, "far", how="implied").records == (
        Record(Outcome.CONSENT_GRANTED, "far", {"how": "implied"}),
    )


def test_an_incident_is_written_and_told() -> None:
    done = incident(CALL, "mask_failed")
    assert done.records == (Record(Outcome.INCIDENT_OPENED, "", {"incident": "mask_failed"}),)
    assert done.effects == (Alert(incident="mask_failed"),)


def test_the_unexpected_changes_nothing() -> None:
    assert unexpected(CALL, "far", "why") == Step(CALL, records=(Record(Outcome.UNEXPECTED, "far", {"what": "why"}),))
