"""Checks of the dialplan that FreeSWITCH has loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.doctor.freeswitch import dialplan
from tests.doctor.freeswitch.healthy import ASKS, SNIPPET, loaded, said, switch_site
from tests.lint.freeswitch.site import ASK, BRIDGE, RECORD_ALL, act, context, extension


def test_a_healthy_site(tmp_path: Path) -> None:
    site = switch_site(tmp_path)
    for check in (dialplan.handed, dialplan.address, dialplan.examined):
        assert said(check, site) == []


def test_no_snippet_no_line_that_asks_and_one_of_another_release(tmp_path: Path) -> None:
    bare = f'<section name="dialplan">{ASKS}</section>'
    assert "snippet is not" in said(dialplan.handed, switch_site(tmp_path, dialplan=bare))[0][1]
    unasked = loaded(context(extension(BRIDGE)))
    ((severity, what),) = said(dialplan.handed, switch_site(tmp_path, dialplan=unasked))
    assert severity == "blocker" and "nobody is asked" in what
    cut = loaded(ASKS).replace('<extension name="callguard_told">', '<extension name="told">')
    assert "differs" in said(dialplan.handed, switch_site(tmp_path, dialplan=cut))[0][1]
    older = loaded(ASKS).replace("socket_resume=true", "socket_resume=false")
    assert older != loaded(ASKS)
    ((severity, what),) = said(dialplan.handed, switch_site(tmp_path, dialplan=older))
    assert severity == "warning" and "differs" in what


@pytest.mark.parametrize(
    "constants, severity",
    [
        ({}, ""),
        ({"callguard_socket": "127.0.0.1:8084"}, ""),
        ({"callguard_socket": "127.0.0.1:9999"}, "blocker"),
        ({"callguard_socket": "pbx.example:8084"}, "warning"),
    ],
)
def test_the_socket_leads_to_us(tmp_path: Path, constants: dict[str, str], severity: str) -> None:
    found = [one[0] for one in said(dialplan.address, switch_site(tmp_path, constants=constants))]
    assert found == [severity] * bool(severity)


@pytest.mark.parametrize(
    "parts, word",
    [
        (extension(RECORD_ALL + ASK + BRIDGE), "record"),
        (extension(act("bind_meta_app", "7 b s execute_extension::dx XML features") + ASK + BRIDGE), "bind_meta_app"),
        (
            extension(act("export", "nolocal:api_on_answer=uuid_record ${uuid} start /x.wav") + ASK + BRIDGE),
            "api_on_answer",
        ),
        (extension(BRIDGE, number="^200$") + extension(ASK + BRIDGE), "nobody has asked"),
    ],
)
def test_what_lint_finds_in_what_is_loaded(tmp_path: Path, parts: str, word: str) -> None:
    found = list(dialplan.examined(switch_site(tmp_path, dialplan=loaded(context(parts)))))
    assert any(word in one.what or word in one.change for one in found), found
    assert all("xml_locate" in one.where for one in found)


def test_what_records_beside_the_dialplan(tmp_path: Path) -> None:
    queue = (
        '<configuration name="callcenter.conf"><queues><queue name="support">'
        '<param name="record-template" value="/all/${uuid}.wav"/></queue></queues></configuration>'
    )
    ((severity, what),) = said(dialplan.examined, switch_site(tmp_path, configuration={"callcenter.conf": queue}))
    assert severity == "blocker" and "queue" in what


def test_a_dialplan_that_cannot_be_read_is_not_taken_for_fine(tmp_path: Path) -> None:
    ((severity, what),) = said(dialplan.examined, switch_site(tmp_path, dialplan="<section><context"))
    assert severity == "warning" and what.startswith("not checked")


def test_params_of_a_module() -> None:
    assert dialplan.params(
        '<configuration name="x"><settings><param name="A" value="b"/></settings></configuration>'
    ) == {"a": "b"}
    assert dialplan.params("<broken") == {} and dialplan.params(SNIPPET) == {}
