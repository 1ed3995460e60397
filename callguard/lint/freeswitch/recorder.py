"""Recorders outside of callguard, in the dialplan and beside it.

What belongs here: applications, variables and settings that record, or stop what callguard records. What does not: ways
around the notice (notice.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callguard.lint.finding import Finding, Place, blocker, warning
from callguard.lint.freeswitch.plan import Plan, Setting, Step, assigned
from callguard.lint.freeswitch.snippet import Trusted

RECORDERS = frozenset(
    "record record_session record_fsv oreka_record audio_fork audio_stream uuid_audio_fork uuid_audio_stream".split()
)
"""Applications that write or send away what is heard."""
_STOPPERS = frozenset(
    "stop_record_session record_session_mask record_session_unmask record_session_pause record_session_resume".split()
)
_STARTS = re.compile(
    rf"\buuid_record\b[^;|]*?\bstart\b|(?<![\w.$/{{])(?:{'|'.join(sorted(RECORDERS))})(?:::|[ ,:'({{}}]|$)"
)
"""A recorder in the words of an API, of execute_on_... or of bind_...; not the name of a variable or a file."""
_STOPS = re.compile(r"\buuid_record\b[^;|]*?\b(?:stop|mask|unmask|pause|resume)\b|\bstop_record_session\b")
_HOOK = re.compile(
    r"(?:api|execute|exec)_on_\w+|(?:api|exec)_after_bridge\w*|api_hangup_hook|bridge_pre_execute_\w+|\w*_execute_on_\w+"
)
FLAGS = frozenset(
    "record_session conference_auto_record fifo_record_template cc_record_filename record_on_answer".split()
)
"""Variables that have the PBX, or FusionPBX's own dialplan, record."""
_OFF = ("", "false", "no", "off", "0", "none", "never", "undef", "disabled", "f")
_BOUND = ("bind_meta_app", "bind_digit_action")
_NOTHING = "remove it: callguard starts the recorder itself, when everybody was told"


def recorders(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """Every action of the dialplan that records, or lays hands on a recording, outside of the snippet."""
    for step in plan.steps():
        if not trusted.is_ours(step):
            started = _started(step)
            yield from (started,) if started else ()
            yield from _stopped(step)


def _started(step: Step) -> Finding | None:
    name, value = assigned(step)
    if step.app in RECORDERS:
        return _records(step.place, step.app)
    if step.app in _BOUND and _STARTS.search(step.data):
        text = f"{step.app} lets a party start a recording by keys, whatever the other one agreed to"
        return blocker("one-touch", step.place, text, "remove it")
    if _HOOK.match(name) and _STARTS.search(value):
        return _records(step.place, name)
    if name in FLAGS and value.lower() not in _OFF:
        return _records(step.place, f"{name}={'true' if value.lower() == 'true' else '...'}")
    if _STARTS.search(_words(step)):
        return _records(step.place, f"a recorder in the data of {step.app}")
    return None


def _words(step: Step) -> str:
    """The part of STEP in which words of an API, or hooks of a bridge, can stand."""
    if step.app in ("log", "info", "playback", "hangup", "answer"):
        return ""
    hooks = " ".join(re.findall(r"(?:api|execute|exec)_on_\w+=('[^']*'|(?:\$\{[^{}]*\}|[^,\]}])*)", step.data))
    calls = " ".join(re.findall(r"\$\{(\w+[ (][^$]*(?:\$\{[^{}]*\}[^$]*)*)", step.data))
    scheduled = step.data if step.app in ("sched_api", "execute_extension", "lua", "system", "bgsystem") else ""
    return " ".join((hooks, calls if "uuid_record" in calls else "", scheduled if "record" in scheduled else ""))


def _stopped(step: Step) -> Iterator[Finding]:
    if step.app == "stop_record_session" and not step.data:
        text = "stop_record_session without an argument ends FreeSWITCH 1.11.2 (signalwire/freeswitch#1541)"
        yield blocker("crash", step.place, text, 'data="all", or no such line')
    elif step.app in _STOPPERS or (step.app not in ("log", "info") and _STOPS.search(step.data)):
        text = f"{step.app} stops or mutes recorders that callguard started: a recording with a gap that nobody ordered"
        yield warning("recorder-stopped", step.place, text, "remove it, or name the one file that it means")


def _records(place: Place, what: str) -> Finding:
    return blocker("recorder", place, f"{what} records without having told anybody", _NOTHING)


_ATTACHED = ("true", "yes", "1", "on", "attach")
"""What has a mailbox attach its messages, in the directory and in FusionPBX."""


def beside(plan: Plan) -> Iterator[Finding]:
    """Modules, profiles, users and FusionPBX's own tables that switch a recorder on."""
    for each in plan.settings:
        if each.value.strip().lower() not in _OFF:
            yield from _setting(each)


def _setting(each: Setting) -> Iterator[Finding]:
    where = each.where or "this setting"
    match each.name:
        case "auto-record" | "conference_auto_record":
            yield blocker("recorder", each.place, f"{where}: every conference is recorded", "without auto-record")
        case "record-template" if each.where.startswith(("queue", "configuration callcenter")):
            yield blocker(
                "queue-records", each.place, f"{where}: the queue records every call", "without record-template"
            )
        case "record-template":
            text = (
                f"{where}: a phone starts a recording by its Record key (SIP INFO), whatever the other party agreed to"
            )
            yield warning("one-touch", each.place, text, "without record-template")
        case "vm-attach-file" | "voicemail_file" if each.value.strip().lower() in _ATTACHED:
            text = f"{where}: messages are attached to a mail: copies that nobody can delete in time"
            yield warning("mailed", each.place, text, "off: the mail only says that there is a message")
        case "queue_record_template":
            yield blocker("queue-records", each.place, "a queue of FusionPBX records every call", "Record: False")
        case "user_record" | "record" | "ring_group_record" | "destination_record" | "profile_param_value":
            text = f"{where}: {each.name} has FusionPBX record these calls without asking"
            yield blocker("recorder", each.place, text, "Record: Disabled")
        case name if name in FLAGS or (_HOOK.match(name) and _STARTS.search(each.value)):
            yield _records(each.place, f"{where}: {name}")
