"""callguard legal-hold: placing, listing, releasing; who may, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from callguard.cli.option import account
from tests.cli.conftest import Left
from tests.jobs.test_trim import recording, trim

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


@pytest.mark.requirement("S101")
def test_an_original_that_only_the_hold_kept_beside_what_was_trimmed_goes_with_the_release(left: Left) -> None:
    row = recording(left.place, "instead")
    left.place.hold(row, "claim-9")
    assert "legal hold" in trim(left.place).run(row.recording_id)
    told = left.json("legal-hold", "release", "claim-9", "--reason", "settled")
    assert (told["released"], told["to_be_trimmed"], told["ends_sooner"]) == (1, 1, 0)
    assert [job["task"] for job in left.json("jobs", "list")["jobs"] if job["recording_id"] == row.recording_id][
        -1
    ] == "trim"
    assert trim(left.place).run(row.recording_id) == "trimmed, in its place"
    assert [each.type for each in left.place.artefacts.events(row.recording_id)] == [
        "made",
        "original_held",
        "original_shredded",
    ]


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
