from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor import module
from tests.doctor.healthy import PBX, SNIPPET, healthy, severities, with_pbx, with_plan


def test_a_healthy_site_has_the_modules_and_no_others(tmp_path: Path) -> None:
    assert not [*module.needed(healthy(tmp_path)), *module.unwanted(healthy(tmp_path))]


def test_what_the_snippet_says_that_it_needs_is_looked_for() -> None:
    named = re.findall(r"\w+_\w+", SNIPPET.partition("Needs the modules ")[2].partition("\n")[0].partition(";")[0])
    outbound = re.findall(r"\w+_\w+", SNIPPET.partition("for outbound calls ")[2].partition("\n")[0])
    assert set(outbound) <= set(module.OUTBOUND)
    assert len(named) > 5 and set(named) <= set(module.NEEDED)


@pytest.mark.parametrize("name", module.OUTBOUND)
def test_what_outbound_calls_need_is_missed_by_them_alone(tmp_path: Path, name: str) -> None:
    modules = {key: value for key, value in (PBX.modules or {}).items() if key != name}
    assert severities(module.needed, with_pbx(tmp_path, modules=modules)) == ["warning"]


@pytest.mark.parametrize("name", module.NEEDED)
@pytest.mark.parametrize("status", ["Not Running", ""])
def test_each_module_is_missed(tmp_path: Path, name: str, status: str) -> None:
    modules = {key: value for key, value in (PBX.modules or {}).items() if key != name}
    [found] = module.needed(with_pbx(tmp_path, modules=modules | ({name: status} if status else {})))
    assert (found.severity, found.change) == ("blocker", f"load => {name}.so")


def test_native_bridging_hides_keys(tmp_path: Path) -> None:
    site = with_pbx(tmp_path, modules={**(PBX.modules or {}), "bridge_native_rtp": "Running"})
    [found] = module.unwanted(site)
    assert (found.severity, found.change) == ("warning", "noload => bridge_native_rtp.so") and "keys" in found.what
    stopped = with_pbx(tmp_path, modules={**(PBX.modules or {}), "bridge_native_rtp": "Not Running"})
    assert not list(module.unwanted(stopped))


def test_chan_sip_and_its_endpoints(tmp_path: Path) -> None:
    assert severities(module.unwanted, with_pbx(tmp_path, technologies={"SIP": 3, "PJSIP": 1})) == ["warning"]
    assert severities(module.unwanted, with_pbx(tmp_path, modules={"chan_sip": "Running"})) == ["warning"]


def test_least_privilege_needs_the_module_that_mutes_a_caller(tmp_path: Path) -> None:
    bare = {name: "Running" for name in [*module.NEEDED, *module.OUTBOUND]}
    assert severities(module.needed, with_pbx(tmp_path, modules=bare)) == []
    site = with_plan(tmp_path, least_privilege=True)
    assert severities(module.needed, site) == []
    assert severities(module.needed, replace(site, pbx=replace(site.pbx, modules=bare))) == ["blocker"]
