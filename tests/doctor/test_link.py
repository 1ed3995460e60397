from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor import link
from callguard.pbx.asterisk.site import AmiAddress
from tests.doctor.healthy import ARI, healthy, said, severities, with_host, with_pbx


def test_a_healthy_site_is_reached(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    assert not [*link.reached(site), *link.version(site), *link.sealed(site), *link.closed(site), *link.clocks(site)]


@pytest.mark.parametrize("wrong", ["ari", "ami", "guard"])
def test_a_link_that_fails_blocks_and_names_its_lines(tmp_path: Path, wrong: str) -> None:
    [found] = link.reached(with_pbx(tmp_path, **{wrong: "no answer"}))
    assert found.severity == "blocker" and "no answer" in found.what and ".conf: [" in found.change


def test_an_ari_user_that_may_only_read_blocks(tmp_path: Path) -> None:
    [found] = link.reached(with_pbx(tmp_path, ari_writes=False))
    assert (found.severity, found.where, found.change) == ("blocker", "ari.conf", "read_only = no")


@pytest.mark.parametrize(
    "version, expected",
    [
        ("22.10.1+dfsg+~cs6.17", []),
        ("20.0.0", []),
        ("certified/20.7-cert2", []),
        ("certified-18.9-cert10", ["blocker"]),
        ("18.26.4", ["blocker"]),
        ("1.8.32.3", ["blocker"]),
        ("GIT-master-0a46be9", ["warning"]),
        ("", ["warning"]),
    ],
)
def test_asterisk_20_is_the_oldest(tmp_path: Path, version: str, expected: list[str]) -> None:
    assert severities(link.version, with_pbx(tmp_path, version=version)) == expected


@pytest.mark.parametrize(
    "url", ["http://pbx.example:8088/ari", "http://192.0.2.7:8088/ari", "http://[2001:db8::1]/ari"]
)
def test_ari_in_the_clear_to_another_machine_blocks(tmp_path: Path, url: str) -> None:
    site = healthy(tmp_path)
    away = replace(site.plan.asterisk, ari=replace(ARI, url=url))
    moved = replace(site, plan=replace(site.plan, asterisk=away))
    assert severities(link.sealed, moved) == ["blocker"]
    sealed = replace(away, ari=replace(ARI, url=url.replace("http:", "https:")))
    assert not list(link.sealed(replace(site, plan=replace(site.plan, asterisk=sealed))))
    assert severities(link.closed, moved) == ["warning"], "who reaches a PBX elsewhere cannot be seen from here"


def test_ami_in_the_clear_to_another_machine_blocks(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    away = replace(site.plan.asterisk, ami=AmiAddress(host="192.0.2.7", user="callguard", secret="x"))
    [found] = link.sealed(replace(site, plan=replace(site.plan, asterisk=away)))
    assert found.severity == "blocker" and "ami_tls = true" in found.change


def test_a_door_that_others_reach_is_worse_on_a_public_address(tmp_path: Path) -> None:
    found = list(link.closed(with_pbx(tmp_path, outside=(("AMI", "192.168.1.5"), ("ARI", "8.8.8.8")))))
    assert [(one.severity, one.where) for one in found] == [("warning", "manager.conf"), ("blocker", "http.conf")]
    assert {one.change for one in found} == {"bindaddr = 127.0.0.1"}


@pytest.mark.parametrize(
    "ahead, expected",
    [(1.9, []), (-1.9, []), (2.6, ["warning"]), (-29.0, ["warning"]), (121.0, ["blocker"]), (-121.0, ["blocker"])],
)
def test_a_pbx_clock_that_differs(tmp_path: Path, ahead: float, expected: list[str]) -> None:
    assert severities(link.clocks, with_pbx(tmp_path, ahead=ahead)) == expected


def test_clocks_that_are_not_known_or_not_kept(tmp_path: Path) -> None:
    assert said(link.clocks, with_pbx(tmp_path, ahead=None))[0][1].startswith("not checked")
    assert severities(link.clocks, with_host(tmp_path, synchronised=False)) == ["warning"]
