from __future__ import annotations

from pathlib import Path

import pytest

from callguard.doctor.site import Step
from callguard.doctor.way import plan_of, told
from tests.doctor.healthy import healthy, said, step, with_dialplan, with_pbx

ASK = "callguard,s,1(sales,outbound,{})"


def out(*steps: tuple[str, str], context: str = "sales", extension: str = "_X.") -> tuple[Step, ...]:
    return tuple(
        step(app, data, number, context=context, extension=extension) for number, (app, data) in enumerate(steps, 1)
    )


def test_a_healthy_dialplan(tmp_path: Path) -> None:
    assert said(told, healthy(tmp_path)) == []


@pytest.mark.requirement("S80")
@pytest.mark.parametrize(
    ("when", "dial", "expected"),
    [
        ("told", "PJSIP/${EXTEN}@t,60,T${CALLGUARD_DIAL}", []),
        ("told", "PJSIP/${EXTEN}@t,60,T", ["blocker"]),
        ("bridged", "PJSIP/${EXTEN}@t", ["blocker"]),
        ("told", "PJSIP/${EXTEN}@t,60,U(mine)${CALLGUARD_DIAL}", ["warning"]),
        ("", "PJSIP/${EXTEN}@t,60", ["warning"]),
    ],
)
def test_a_dial_that_hands_nobody_over(tmp_path: Path, when: str, dial: str, expected: list[str]) -> None:
    gosub = ASK.format(when).replace(",)", ")")
    found = list(told(with_dialplan(tmp_path, *out(("Gosub", gosub), ("Dial", dial)))))
    assert [one.severity for one in found] == expected
    for one in found:
        assert one.where == "dialplan: context sales, extension _X., priority 2" and one.change


def test_a_dial_in_a_context_that_is_included(tmp_path: Path) -> None:
    jumps = out(("Gosub", ASK.format("told")), ("Goto", "trunks,${EXTEN},1"))
    dials = out(("Dial", "PJSIP/${EXTEN}@t"), context="carrier", extension="_1X.")
    here = healthy(tmp_path).pbx.dialplan or ()
    steps = (*here, *jumps, *dials)
    assert not said(told, with_pbx(tmp_path, dialplan=steps))
    [(severity, _)] = said(told, with_pbx(tmp_path, dialplan=steps, includes={"trunks": ("carrier",)}))
    assert severity == "blocker"


def test_steps_keep_labels_and_order() -> None:
    plan = plan_of([Step("a", "1", 2, "on", "NoOp", "x"), Step("a", "1", 1, "", "Answer", "")], {"a": ("b",)})
    [extension] = plan.extensions()
    assert [one.app for one in extension.ordered()] == ["Answer", "NoOp"] and extension.labels == {"on": 2}
    assert [context.name for context in plan.reach("a")] == ["a"] and plan.contexts["a"].includes == ["b"]
