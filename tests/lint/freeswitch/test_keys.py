"""Keys, and callers' text."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options
from callguard.lint.freeswitch.keys import collision
from tests.lint.freeswitch.site import ASK, BRIDGE, act, context, extension, found

COLLIDES = [("blocker", "key-collision")]


@pytest.mark.parametrize(
    "text",
    [
        act("bind_meta_app", "7 b s transfer::x"),
        act("bind_digit_action", "local,*7,exec:execute_extension,dx XML features,both"),
        act("bind_digit_action", "local,*,exec:hangup,x"),
        act("set", "bridge_pre_execute_bleg_data='m:^: bind_digit_action:local,*8,exec:x,self,self'"),
    ],
)
def test_keys_that_somebody_else_takes(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, context(extension(ASK + text + BRIDGE))) == COLLIDES


@pytest.mark.parametrize("text", [act("bind_meta_app", "1 b s x::y"), act("bind_digit_action", "local,*4,exec:x,y")])
def test_keys_that_are_free(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, context(extension(ASK + text + BRIDGE))) == []


def test_the_keys_are_those_of_the_policy_and_the_meta_key_that_of_the_dialplan(tmp_path: Path) -> None:
    own = context(extension(ASK + act("bind_meta_app", "1 b s x::y") + BRIDGE))
    assert found(tmp_path, own, options=Options(sequences=("*1",))) == COLLIDES
    other = context(extension(ASK + act("set", "bind_meta_key=#") + act("bind_meta_app", "7 b s x::y") + BRIDGE))
    assert found(tmp_path, other) == []


def test_conferences_and_numbers(tmp_path: Path) -> None:
    control = '<configuration name="conference.conf"><control action="mute" digits="*"/></configuration>'
    assert found(tmp_path, control) == [("warning", "key-collision")]
    assert found(tmp_path, context(extension(act("voicemail", "x"), r"^\*8$"))) == [("warning", "key-collision")]
    assert collision("", ("*7",)) == "" and collision("*71", ("*7",)) == "*7"


@pytest.mark.requirement("S29")
@pytest.mark.parametrize(
    "text",
    [act("system", "echo ${caller_id_name}"), act("record_session", "/a/${caller_id_number}.wav"),
     act("set", "x=${system(touch ${sip_from_user})}")],
)  # fmt: skip
def test_callers_text_in_a_shell_or_a_file_name(tmp_path: Path, text: str) -> None:
    assert ("warning", "unfiltered") in found(tmp_path, context(extension(ASK + text + BRIDGE)))
