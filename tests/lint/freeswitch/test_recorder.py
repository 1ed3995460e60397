"""Recorders outside of the snippet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.freeswitch.site import ASK, BRIDGE, act, context, extension, found

RECORDS = [
    act("record_session", "/a.wav"),
    act("record", "/a.wav 20"),
    act("record_fsv", "/a.fsv"),
    act("set", "api_on_answer=uuid_record ${uuid} start /a.wav"),
    act("set", "exec_after_bridge_app=record_session"),
    act("export", "nolocal:execute_on_answer=record_session /a.wav"),
    act("set", "execute_on_media_2=record_session::/a.wav"),
    act("set", "${uuid_record ${uuid} start ${record_path}/${record_name}}"),
    act("set", "x=${uuid_record(${uuid} start /a.wav)}"),
    act("set", "record_session=true"),
    act("set", "conference_auto_record=/a.wav"),
    act("set", "fifo_record_template=/a.wav"),
    act("sched_api", "+1 none uuid_record ${uuid} start /a.wav"),
    act("bridge", "{execute_on_answer='record_session /a.wav'}user/1"),
    act("bridge", "[api_on_answer=uuid_record ${uuid} start /a.wav]user/1"),
    act("oreka_record", ""),
]


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("text", RECORDS)
def test_what_records_is_a_blocker(tmp_path: Path, text: str) -> None:
    assert ("blocker", "recorder") in found(tmp_path, context(extension(ASK + text + BRIDGE)))


@pytest.mark.parametrize(
    "text",
    [
        act("bind_meta_app", "2 b s record_session::/a.wav"),
        act("bind_digit_action", "local,*2,exec:record_session,/a.wav,both"),
    ],
)
def test_a_recorder_on_a_key_is_a_blocker(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, context(extension(ASK + text + BRIDGE))) == [("blocker", "one-touch")]


@pytest.mark.parametrize(
    "text",
    [
        act("set", "record_session=false"),
        act("set", "record_name=${uuid}.wav"),
        act("playback", "record_session.wav"),
        act("set", "recording_follow_transfer=true"),
        act("export", "nolocal:execute_on_answer=playback record.wav"),
        act("bridge", "sofia/gateway/record/1"),
        act("voicemail", "default lab 1000"),
    ],
)
def test_what_does_not_record_is_left_alone(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, context(extension(ASK + text + BRIDGE))) == []


@pytest.mark.fault("signalwire/freeswitch#1541")
def test_a_stop_without_an_argument_ends_freeswitch(tmp_path: Path) -> None:
    assert found(tmp_path, context(extension(ASK + act("stop_record_session") + BRIDGE))) == [("blocker", "crash")]
    stop = act("stop_record_session", "all")
    assert found(tmp_path, context(extension(ASK + stop + BRIDGE))) == [("warning", "recorder-stopped")]
    mask = act("set", "x=${uuid_record(${uuid} mask /a.wav)}")
    assert found(tmp_path, context(extension(ASK + mask + BRIDGE))) == [("warning", "recorder-stopped")]


def conf(name: str, inner: str) -> str:
    return f'<configuration name="{name}.conf">{inner}</configuration>'


def param(name: str, value: str) -> str:
    return f'<param name="{name}" value="{value}"/>'


def var(name: str, value: str) -> str:
    return f'<variable name="{name}" value="{value}"/>'


TEMPLATE = param("record-template", "/a.wav")
HOOK = var("api_on_answer", "uuid_record x start y")
BLOCKER, QUEUE = ("blocker", "recorder"), ("blocker", "queue-records")


@pytest.mark.requirement("S4")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (conf("conference", f'<profile name="default">{param("auto-record", "/a.wav")}</profile>'), BLOCKER),
        (conf("callcenter", f'<queues><queue name="q">{TEMPLATE}</queue></queues>'), QUEUE),
        (f'<profile name="internal">{TEMPLATE}</profile>', ("warning", "one-touch")),
        (f'<user id="1"><variables>{var("user_record", "all")}</variables></user>', BLOCKER),
        (f'<user id="1">{var("execute_on_answer", "record_session /a.wav")}</user>', BLOCKER),
        (f'<gateway name="t"><variables>{HOOK}</variables></gateway>', BLOCKER),
        (conf("callcenter", f'<queue name="q">{param("record-template", "")}</queue>'), None),
        (f'<user id="1">{var("user_record", "none")}</user>', None),
    ],
)
def test_modules_profiles_and_users(tmp_path: Path, text: str, said: tuple[str, str] | None) -> None:
    assert found(tmp_path, text) == ([said] if said else [])
