"""The shape of the dialplan."""

from __future__ import annotations

from pathlib import Path

from callguard.lint.freeswitch.plan import Step, assigned, build, first, targets
from callguard.lint.freeswitch.tree import read_tree
from tests.lint.freeswitch.site import BRIDGE, act, context, extension, plan_of, written


def step(app: str, data: str) -> Step:
    return Step(None, "public", "own", app, data)  # type: ignore[arg-type]


def test_contexts_extensions_conditions_and_actions(tmp_path: Path) -> None:
    nested = '<extension name="n" continue="TRUE"><condition><condition field="x" expression="y" break="never">'
    nested += act("Set", "a\n  b", "anti-action") + "</condition></condition></extension>"
    plan = plan_of(tmp_path, context(extension(BRIDGE), nested), context(extension(BRIDGE, "^7$", "b")))
    first_one, inner, last = plan.contexts["public"].extensions
    assert [each.name for each in (first_one, inner, last)] == ["own", "n", "b"] and inner.goes_on
    assert first_one.expressions == ("^100$",) and inner.expressions == () and len(plan.contexts["public"].places) == 2
    (only,) = inner.steps()
    assert (only.app, only.data, only.anti) == ("set", "a b", True)
    assert inner.conditions[0].always and not inner.conditions[1].always and not inner.conditions[1].number


def test_regex_conditions(tmp_path: Path) -> None:
    text = '<extension name="r"><condition regex="any"><regex field="destination_number" expression="^1$"/>'
    text += '<regex field="destination_number"><expression/>^2$</regex></condition></extension>'
    (own,) = plan_of(tmp_path, context(text)).extensions()
    assert own.conditions[0].any and own.expressions == ("(?:^1$)|(?:^2$)",)


def test_a_file_of_extensions_alone_is_the_default_context(tmp_path: Path) -> None:
    assert list(build(read_tree([written(tmp_path, extension(BRIDGE))])).contexts) == ["default"]


def test_settings_say_whose_they_are(tmp_path: Path) -> None:
    text = '<configuration name="callcenter.conf"><queues><queue name="q"><param name="Record-Template" value="a"/>'
    plan = plan_of(tmp_path, text + "</queue></queues></configuration>")
    assert [(each.where, each.name, each.value) for each in plan.settings] == [("queue q", "record-template", "a")]
    assert first(plan.settings, "record-template") == "a" and first(plan.settings, "x") == ""


def test_what_a_step_sets_and_where_it_leads() -> None:
    assert assigned(step("export", "nolocal:a=b")) == ("a", "b")
    assert assigned(step("set", "nothing")) == ("", "") == assigned(step("log", "a=b"))
    assert targets(step("transfer", "-both 7 XML public")) == ("7", "public")
    assert targets(step("transfer", "7")) == ("7", "")
    assert targets(step("transfer", "conference:x inline")) is None
    assert targets(step("execute_extension", "7 enum x")) == ("7", "?")
    assert targets(step("bridge", "user/1")) is None
