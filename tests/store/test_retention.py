"""Retention as rows: what is over, why things are there, runs that are counted by what they left and are signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg import errors as pg

from callguard.core.retention import OVER, Reason, live_reason
from callguard.store.keys import MasterKey
from callguard.store.retention import EVER
from tests.jobs.conftest import place
from tests.jobs.site import Place, now

__all__ = ["place"]


def test_what_is_over_is_counted_and_listed_unless_it_is_held(place: Place) -> None:
    old, later, held = place.over(2), place.stored(), place.over()
    child = place.derived(old)
    place.hold(held)
    counts = place.retention.count_due(now())
    assert (counts.due, counts.going, counts.held, counts.oldest) == (2, 0, 1, old.expires_at)
    assert [row.artefact_id for row in place.retention.due(now())] == [child.artefact_id, old.artefact_id]
    assert [row.artefact_id for row in place.retention.due(now(), {child.artefact_id})] == [old.artefact_id]
    ends = place.retention.ends()
    assert [end.expires_at for end in ends if end.held] == [held.expires_at] and len(ends) == 4
    assert later.expires_at in [end.expires_at for end in ends]
    place.deletion.rows.mark(child, OVER, now())
    assert place.retention.count_due(now()).going == 1


@pytest.mark.requirement("S103")
def test_everything_that_is_there_has_its_facts(place: Place) -> None:
    kept, held, withdrawn = place.stored(), place.stored(), place.stored()
    place.hold(held, "b"), place.hold(held, "a")
    sql = "UPDATE callguard.recording SET state = 'discarded' WHERE recording_id = %s"
    place.artefacts.connection.execute(sql, [withdrawn.recording_id])
    found = {fact.artefact_id: fact for fact in place.retention.facts()}
    assert found[held.artefact_id].cases == ("a", "b") and found[withdrawn.artefact_id].discarded
    assert live_reason(found[kept.artefact_id], now())[0] is Reason.KEPT
    assert place.retention.facts(kept.recording_id) == (found[kept.artefact_id],)


@pytest.mark.requirement("S85")
def test_runs_are_signed_in_a_chain_and_cannot_be_changed(place: Place) -> None:
    assert place.retention.waiting_since() is None and place.retention.last() is None
    row = place.over()
    assert place.retention.waiting_since() == place.only(row.recording_id).created_at
    runs = [place.retention.note(now()) for _ in range(3)]
    assert runs[-1] == place.retention.last() and place.retention.waiting_since() == runs[-1].ended_at
    assert (runs[0].due, runs[0].failed, runs[0].deleted) == (1, 1, 0)
    assert place.retention.runs() == tuple(runs) and place.retention.unsealed(runs) == []
    assert place.retention.unsealed([runs[0], replace(runs[1], failed=0), runs[2]]) == [runs[1].run_id]
    assert place.retention.unsealed([runs[0], runs[2]]) == [runs[2].run_id]
    assert len(replace(place.retention, master=MasterKey(bytes(32))).unsealed(runs)) == 3
    for statement in ("UPDATE callguard.retention_run SET failed = 0", "DELETE FROM callguard.retention_run"):
        with pytest.raises(pg.InsufficientPrivilege):
            place.artefacts.connection.execute(statement)


@pytest.mark.requirement("S58")
def test_what_went_is_counted_with_how_late_it_went_and_a_hold_counts_from_its_release(place: Place) -> None:
    late, held, other = place.over(0.5), place.over(3), place.stored()
    hold = place.hold(held)
    place.holds.release([hold], {"reason": "settled", "by": "admin"})
    for row in (late, held):
        place.deletion.delete(row, OVER)
    place.deletion.delete(other, "discarded")
    gone = place.retention.gone(EVER, now() + timedelta(seconds=5))
    assert gone.count == 2 and gone.lag_p50 < 60 and abs(gone.lag_max - 43_200) < 60
    assert place.retention.gone_otherwise(EVER, now() + timedelta(seconds=5)) == {"discarded": 1}
    assert [stone.reason for stone in place.retention.tombstones(other.recording_id)] == ["discarded"]
