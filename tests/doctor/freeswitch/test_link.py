"""Checks of the event socket and of what FreeSWITCH can do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor.freeswitch import link
from callguard.pbx.freeswitch.site import EslAddress
from tests.doctor.freeswitch.healthy import SEEN, SOCKET_CONF, said, switch_site
from tests.doctor.healthy import HOST

ALL = (
    link.reached, link.version, link.password, link.sealed, link.closed, link.modules, link.commands, link.deadman,
    link.shared, link.prompts, link.clocks,
)  # fmt: skip


@pytest.mark.parametrize("check", ALL)
def test_a_healthy_site(tmp_path: Path, check: link.Judge) -> None:
    assert said(check, switch_site(tmp_path)) == []


@pytest.mark.parametrize(
    "wrong, change",
    [
        ("FreeSWITCH's event socket at 127.0.0.1:8021 refuses the password", 'name="password"'),
        ("FreeSWITCH's event socket at 127.0.0.1:8021 turns us away; see apply-inbound-acl", "acl.conf"),
        ("127.0.0.1:8021 is not reachable", "listen-ip"),
    ],
)
def test_a_link_that_fails_names_the_line_to_change(tmp_path: Path, wrong: str, change: str) -> None:
    (finding,) = link.reached(switch_site(tmp_path, link=wrong))
    assert finding.severity == "blocker" and change in finding.change and finding.where == "127.0.0.1:8021"


@pytest.mark.parametrize(
    "version, severity", [("1.8.7", "blocker"), ("1.6", "blocker"), ("", "warning"), ("2.0.1", "")]
)
def test_versions(tmp_path: Path, version: str, severity: str) -> None:
    assert [found[0] for found in said(link.version, switch_site(tmp_path, version=version))] == [severity] * bool(
        severity
    )


@pytest.mark.parametrize(
    "host, password, severity",
    [
        ("127.0.0.1", "ClueCon", "warning"),
        ("::1", "", "warning"),
        ("192.0.2.1", "ClueCon", "blocker"),
        ("192.0.2.1", "", "blocker"),
        ("127.0.0.1", "short", "warning"),
        ("127.0.0.1", "changeme", "blocker"),
    ],
)
def test_passwords_that_everybody_knows(tmp_path: Path, host: str, password: str, severity: str) -> None:
    esl = EslAddress(host=host, password=password)
    found = list(link.password(switch_site(tmp_path, plan={"esl": esl})))
    assert [one.severity.value for one in found] == [severity] and "freeswitch.password" in found[0].where


def test_a_socket_on_another_machine_is_encrypted(tmp_path: Path) -> None:
    site = switch_site(tmp_path, plan={"esl": EslAddress(host="192.0.2.1", password="x" * 20)})
    assert [found[0] for found in said(link.sealed, site)] == ["blocker"]


LISTEN = '"listen-ip" value="127.0.0.1"'
ACL = '<param name="apply-inbound-acl" value="loopback.auto"></param>'


@pytest.mark.parametrize("address", ["::", "0.0.0.0"])
def test_a_socket_at_every_address(tmp_path: Path, address: str) -> None:
    wide = SOCKET_CONF.replace(LISTEN, f'"listen-ip" value="{address}"')
    assert LISTEN in SOCKET_CONF and ACL in SOCKET_CONF
    for text, severity in ((wide, "warning"), (wide.replace(ACL, ""), "blocker")):
        ((said_, what),) = said(link.closed, switch_site(tmp_path, configuration={"event_socket.conf": text}))
        assert said_ == severity and address in what


def test_a_socket_that_answers_outside_or_whose_configuration_is_not_known(tmp_path: Path) -> None:
    site = switch_site(tmp_path, outside=("192.168.1.5", "8.8.8.8"))
    assert [found[0] for found in said(link.closed, site)] == ["warning", "blocker"]
    for text in ("", "<broken"):
        ((severity, what),) = said(link.closed, switch_site(tmp_path, configuration={"event_socket.conf": text}))
        assert severity == "warning" and what.startswith("not checked")


@pytest.mark.parametrize("name", link.MODULES)
def test_each_module_that_is_not_loaded(tmp_path: Path, name: str) -> None:
    ((severity, what),) = said(link.modules, switch_site(tmp_path, modules=(SEEN.modules or frozenset()) - {name}))
    assert severity == "blocker" and name in what


def test_commands_that_it_does_not_know(tmp_path: Path) -> None:
    site = switch_site(tmp_path, commands=(SEEN.commands or frozenset()) - {"uuid_record"}, apps=frozenset({"set"}))
    ((severity, what),) = said(link.commands, site)
    assert severity == "blocker" and "uuid_record" in what and "playback" in what


@pytest.mark.parametrize("seen, severity", [(None, "warning"), (False, "blocker")])
def test_a_dead_mans_switch_that_cannot_be_used(tmp_path: Path, seen: bool | None, severity: str) -> None:
    assert [found[0] for found in said(link.deadman, switch_site(tmp_path, scheduled=seen))] == [severity]


def test_what_it_does_not_see(tmp_path: Path) -> None:
    site = switch_site(tmp_path, same_folder=False, prompts=False)
    assert [found[0] for found in said(link.shared, site)] == ["blocker"]
    assert [found[0] for found in said(link.prompts, site)] == ["blocker"]


@pytest.mark.parametrize("ahead, severity", [(None, "warning"), (-5.0, "warning"), (3600.0, "blocker")])
def test_clocks(tmp_path: Path, ahead: float | None, severity: str) -> None:
    site = replace(switch_site(tmp_path, ahead=ahead), host=replace(HOST, synchronised=True))
    assert [found[0] for found in said(link.clocks, site)] == [severity]
