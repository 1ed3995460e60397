from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor import privilege
from callguard.doctor.site import Site
from callguard.pbx.asterisk.site import AmiAddress
from tests.doctor.healthy import AMI, AMI_SECRET, ARI, healthy, said, severities, with_pbx, with_plan


def test_the_least_privilege_that_works_is_fine(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    checks = (privilege.actions, privilege.guard_account, privilege.hears, privilege.secret, privilege.database_role)
    assert [finding for check in checks for finding in check(site)] == []


@pytest.mark.parametrize("action", privilege.NEEDED)
def test_each_action_of_the_controller_is_missed(tmp_path: Path, action: str) -> None:
    [found] = privilege.actions(with_pbx(tmp_path, commands=frozenset(privilege.NEEDED) - {action}))
    assert found.severity == "blocker" and action in found.what
    assert (found.where, found.change) == ("manager.conf: [callguard]", "write = system,call,reporting")


@pytest.mark.parametrize("action", privilege.GUARD_NEEDED)
def test_each_action_of_the_guard_is_missed(tmp_path: Path, action: str) -> None:
    [found] = privilege.actions(with_pbx(tmp_path, guard_commands=frozenset(privilege.GUARD_NEEDED) - {action}))
    assert (found.severity, found.change) == ("blocker", "write = call,reporting")


@pytest.mark.parametrize("action", privilege.TOO_MUCH)
def test_more_than_is_needed_is_a_warning(tmp_path: Path, action: str) -> None:
    [found] = privilege.actions(with_pbx(tmp_path, commands=frozenset(privilege.NEEDED) | {action}))
    assert found.severity == "warning" and privilege.TOO_MUCH[action][0] in found.what


def modest(folder: Path, commands: frozenset[str]) -> Site:
    """A site whose snippet starts the recorder."""
    site = with_plan(folder, least_privilege=True)
    return replace(site, pbx=replace(site.pbx, commands=commands))


def test_least_privilege_needs_no_system_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    site = modest(tmp_path, frozenset(privilege.NEEDED) - {"MixMonitor"} | {"Setvar"})
    assert list(privilege.actions(site)) == [] and list(privilege.least(healthy(tmp_path))) == []
    told = said(privilege.least, site)
    assert len(told) == 4 and {severity for severity, _ in told} == {"ok"} and "recording_gap" in told[0][1]


def test_least_privilege_with_more_than_it_needs_is_a_finding(tmp_path: Path) -> None:
    [found] = privilege.actions(modest(tmp_path, frozenset(privilege.NEEDED) | {"Setvar"}))
    assert (found.severity, found.change) == ("warning", "write = call,reporting") and "system" in found.what


def test_least_privilege_has_to_tell_the_snippet_to_go_on(tmp_path: Path) -> None:
    [found] = privilege.actions(modest(tmp_path, frozenset(privilege.NEEDED) - {"MixMonitor"}))
    assert found.severity == "blocker" and "Setvar" in found.what


def test_an_account_that_was_not_let_in_is_not_called_fine(tmp_path: Path) -> None:
    site = with_pbx(tmp_path, commands=None, guard_commands=None)
    assert [what.startswith("not checked") for _, what in said(privilege.actions, site)] == [True, True]


def test_a_guard_that_could_start_recorders(tmp_path: Path) -> None:
    strong = with_pbx(tmp_path, guard_commands=frozenset(privilege.NEEDED))
    assert severities(privilege.guard_account, strong) == ["warning"]
    assert severities(privilege.guard_account, with_plan(tmp_path, guard=AMI)) == ["warning"]


@pytest.mark.parametrize(
    "read, expected",
    [
        ("call,user,dialplan", []),
        ("all", []),
        ("system, call, user", ["warning"]),
        ("call,reporting", ["warning", "warning"]),
        ("user,dialplan", ["blocker"]),
        (None, ["warning"]),
    ],
)
def test_the_controller_hears_of_foreign_recorders(tmp_path: Path, read: str | None, expected: list[str]) -> None:
    assert severities(privilege.hears, with_pbx(tmp_path, read=read)) == expected


def test_least_privilege_hears_of_recorders_alone_and_no_more_is_asked_of_it(tmp_path: Path) -> None:
    site = replace(with_pbx(tmp_path, read="call,reporting"), plan=with_plan(tmp_path, least_privilege=True).plan)
    assert severities(privilege.hears, site) == []
    assert severities(privilege.hears, replace(site, pbx=replace(site.pbx, read="reporting"))) == ["blocker"]


@pytest.mark.parametrize(
    "value, expected",
    [
        ("", "blocker"),
        ("amp111", "blocker"),
        ("ClueCon", "blocker"),
        ("Callguard", "blocker"),
        ("elevenchars", "warning"),
        ("twelve-chars", ""),
    ],
)
def test_weak_secrets_are_named_by_their_key_and_not_shown(tmp_path: Path, value: str, expected: str) -> None:
    site = healthy(tmp_path)
    weak = replace(site.plan.asterisk, ari=replace(ARI, password=value))
    found = list(privilege.secret(replace(site, plan=replace(site.plan, asterisk=weak))))
    assert [one.severity.value for one in found] == [expected] * bool(expected)
    assert all(one.where == "callguard.toml: asterisk.ari_password" for one in found)
    assert not value or not [one for one in found if value in one.what + one.where.partition(": ")[2] + one.change]


def test_the_name_of_the_user_is_no_secret(tmp_path: Path) -> None:
    own = AmiAddress(host="127.0.0.1", user="a-long-user-name", secret="a-long-user-name")
    assert severities(privilege.secret, with_plan(tmp_path, guard=own)) == ["blocker"]


def test_one_secret_for_two_doors(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    same = replace(site.plan.asterisk, ari=replace(ARI, password=AMI_SECRET))
    [(severity, what)] = said(privilege.secret, replace(site, plan=replace(site.plan, asterisk=same)))
    assert severity == "warning" and "asterisk.ari_password and asterisk.ami_secret" in what
    assert not said(privilege.secret, with_plan(tmp_path, guard=AMI)), "one account is one secret: said elsewhere"


def test_the_database_is_used_as_the_role_that_cannot_rewrite_evidence(tmp_path: Path) -> None:
    def found(url: str) -> list[str]:
        return severities(privilege.database_role, with_plan(tmp_path, database_url=url))

    assert found("postgresql://postgres:x@localhost/callguard") == ["blocker"]
    assert found("host=localhost user=callguard_app") == []
    assert found("host=localhost") == found("no = such = thing") == ["warning"]
    owner = with_plan(tmp_path, owner_url="postgresql://callguard_owner:x@localhost/callguard")
    assert severities(privilege.database_role, owner) == ["warning"]


def test_a_database_without_a_password_has_no_weak_one(tmp_path: Path) -> None:
    url = "postgresql://callguard_app@/callguard?host=/run/postgresql"
    assert not said(privilege.secret, with_plan(tmp_path, database_url=url))
