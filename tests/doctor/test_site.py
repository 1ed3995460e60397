from __future__ import annotations

from pathlib import Path

from callguard.doctor.site import Severity, blocker, unchecked, warning
from tests.doctor import healthy
from tests.doctor.healthy import healthy_plan, step, with_plan


def test_findings_say_how_bad_it_is_and_what_was_not_checked() -> None:
    assert [blocker("a").severity, warning("a").severity] == [Severity.BLOCKER, Severity.WARNING]
    left = unchecked("the clock", "nobody answered", "a line")
    assert (left.severity, left.what, left.where) == (Severity.WARNING, "not checked: the clock", "nobody answered")


def test_what_is_configured_never_shows_a_secret(tmp_path: Path) -> None:
    secrets = (healthy.ARI_SECRET, healthy.AMI_SECRET, healthy.GUARD_SECRET, healthy.DATABASE_SECRET, "own-er-secret")
    shown = repr(with_plan(tmp_path, owner_url="postgresql://callguard_owner:own-er-secret@localhost/callguard"))
    assert [secret for secret in secrets if secret in shown] == []
    assert healthy_plan(tmp_path).recordings == tmp_path / "recordings"


def test_a_step_names_its_place() -> None:
    assert step("Dial").place == "dialplan: context inbound, extension 100, priority 2"
