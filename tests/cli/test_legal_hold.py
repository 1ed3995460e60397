"""callguard legal-hold: placing, listing, releasing; who may, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from callguard.cli.option import account
from tests.cli.conftest import Left

REVIEW = (date.today() + timedelta(days=60)).isoformat()
SAID = ("--reason", "a claim", "--authority", "letter 7", "--approved-by", "counsel", "--review-on", REVIEW)


@pytest.mark.requirement("S102")
def test_a_held_call_is_kept_on_every_path_until_it_is_released(left: Left) -> None:
    row, other = left.place.over(), left.place.stored()
    calls = ("--call", row.call_id, "--recording", other.recording_id)
    assert left.json("legal-hold", "place", "claim-7", *calls, *SAID)["placed"] == 2
    assert "0 call(s) held, 2 held before" in left.call("legal-hold", "place", "claim-7", *calls, *SAID).text
    held = left.json("legal-hold", "list", "claim-7")
    assert held["overdue"] == 0 and {hold["call_id"] for hold in held["holds"]} == {row.call_id, other.call_id}
    assert held["holds"][0]["said"]["approved_by"] == "counsel"
    assert "letter 7: a claim" in left.call("legal-hold", "list").text
    assert left.json("retention", "run")["held"] == 1 and row.object in left.place.objects()
    reason = ("--reason", "settled")
    assert left.json("legal-hold", "release", "claim-7", "--call", other.call_id, *reason)["released"] == 1
    assert "1 call(s) released" in left.call("legal-hold", "release", "claim-7", *reason).text
    assert left.json("retention", "run")["deleted"] == 1 and row.object not in left.place.objects()
    assert left.json("legal-hold", "list", "claim-7")["holds"] == []
    assert len(left.json("legal-hold", "list", "claim-7", "--all")["holds"]) == 2
    acts = (left.config.parent / "data" / "operator.jsonl").read_text()
    assert "legal_hold_place" in acts and "legal_hold_release" in acts


def test_a_review_that_is_overdue_is_a_finding(left: Left) -> None:
    row = left.place.stored()
    said = {"reason": "r", "authority": "a"}
    left.place.holds.place("late", [row.call_id], date.today() - timedelta(days=1), said)
    assert left.json("legal-hold", "list", "late", status=1)["overdue"] == 1
    assert "LOOK AT IT AGAIN" in left.call("legal-hold", "list", "late").text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("place", "a case", "--call", "x", *SAID), "letters, digits"),
        (("place", "c", *SAID), "at least one"),
        (("place", "c", "--call", "nobody", *SAID), "no call has this id"),
        (("place", "c", "--recording", "nobody", *SAID), "no recording has this id"),
        (("place", "c", "--call", "x", *SAID[:-1], "2020-01-01"), "after today"),
        (("place", "c", "--call", "x", *SAID, "--reason", " "), "--reason must say something"),
        (("release", "nothing", "--reason", "r"), "nothing is held"),
        (("release", "nothing", "--call", "x", "--reason", "r"), "not held for nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(left: Left, arguments: tuple[str, ...], says: str) -> None:
    done = left.call("legal-hold", *arguments)
    assert done.status == 2 and says in done.err


def test_nobody_agrees_with_themselves(left: Left) -> None:
    done = left.call("legal-hold", "place", "c", "--call", "x", *SAID, "--approved-by", account())
    assert done.status == 2 and "somebody else has to agree" in done.err
