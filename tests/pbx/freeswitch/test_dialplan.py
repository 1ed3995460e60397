"""The shipped dialplan of FreeSWITCH: whom it hands over, whom it never touches, and that it keeps nobody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from callguard.pbx.freeswitch.rescue import CALLER, CONTEXT, TOLD, UNRECORDED, WAITING
from callguard.pbx.words import WORDS
from tests.pbx.freeswitch.dialplan import Action, Channel, actions

FOLDER = Path(__file__).parents[3] / "dialplan" / "freeswitch"
SNIPPET = FOLDER / "callguard.xml"
FILES = sorted(FOLDER.glob("*.xml"))
EXAMPLES = sorted(FOLDER.glob("example-*.xml"))
FUSION = {
    "callguard": "fusionpbx-callguard.xml",
    "callguard_told": "fusionpbx-callguard-told.xml",
    "callguard_unrecorded": "fusionpbx-callguard-unrecorded.xml",
}
VERSION = ("set", "callguard_dialplan=${callguard_dialplan}")
STOPS = ("set", "callguard_stopped=${uuid_record(${uuid} stop all)}")
BEFORE_MEDIA = "set export unset log hash socket transfer execute_extension".split()
"""Applications that FreeSWITCH runs on a call without media (SAF_SUPPORT_NOMEDIA). Before any other one it sends early
media, and the caller hears no ringing.
"""
EMERGENCY = "911 933 112 999 000 110 118 119".split()


def entered(dialled: str, direction: str = "inbound", **more: str) -> tuple[list[Action], Channel]:
    """What the snippet runs for a call to DIALLED, and the channel behind it."""
    own = ("caller_id_number", "sip_req_user", "call_timeout")
    named = {f"callguard_{key}": value for key, value in more.items() if key not in own}
    plain = {key: value for key, value in more.items() if f"callguard_{key}" not in named}
    channel = Channel({"callguard_dialled": dialled, "callguard_direction": direction, **named, **plain})
    return actions(SNIPPET, "callguard", channel), channel


def runs(found: list[Action], application: str) -> bool:
    return any(name == application for name, _ in found)


# ---------------------------------------------------------------- whom it hands over
@pytest.mark.requirement("S128")
@pytest.mark.parametrize("direction", ["inbound", "internal"])
def test_a_call_waits_and_goes_on_whatever_happens(direction: str) -> None:
    found, _ = entered("100", direction)
    assert found == [
        ("export", "callguard_asked=asked"),
        VERSION,
        ("set", "socket_resume=true"),
        ("set", "hangup_after_bridge=false"),
        ("set", f"{WAITING}=true"),
        ("socket", "${callguard_socket} async full"),
        ("unset", WAITING),
        STOPS,
    ]


def test_the_socket_is_ours_unless_the_site_says_otherwise() -> None:
    assert entered("100")[1].variables["callguard_socket"] == "127.0.0.1:8084"
    assert entered("100")[1].variables["callguard_rescue"] == CONTEXT
    assert entered("100", socket="192.0.2.1:1")[1].variables["callguard_socket"] == "192.0.2.1:1"


@pytest.mark.parametrize("direction", ["outbound", "", "sideways"])
def test_a_direction_that_cannot_be_asked_on_goes_on_unrecorded(direction: str) -> None:
    assert not runs(entered("100", direction)[0], "socket")


EXPORTS = [
    ("export", "callguard_asked=asked"),
    *(
        ("export", f"callguard_{key}=${{callguard_{key}}}")
        for key in "when type direction place site line language dialplan".split()
    ),
]


@pytest.mark.requirement("S1", "S128")
@pytest.mark.parametrize("when", ["told", "gate"])
@pytest.mark.parametrize(("said", "rings"), [("", 60), ("45", 45), ("0", 60), ("evil;", 60)])
def test_told_has_bridge_send_whoever_answers_to_us(said: str, rings: int, when: str) -> None:
    """The clock of ringing ends with an answer; the one of the whole bridge would cut the notice."""
    found, _ = entered("15125550199", "outbound", when=when, call_timeout=said)
    assert found == [
        *EXPORTS,
        ("export", f"leg_timeout={rings}"),
        ("set", "transfer_ringback=%(2000,4000,440,480)"),
        ("export", f"{CALLER}=${{uuid}}"),
        ("set", "call_timeout=1800"),
        ("set", "ignore_early_media=ring_ready"),
        ("set", "group_confirm_key=exec"),
        ("set", "group_confirm_file=execute_extension callguard_told XML ${callguard_rescue}"),
        ("set", "group_confirm_cancel_timeout=true"),
    ]


@pytest.mark.requirement("S1", "S128")
def test_who_answers_a_call_that_is_told_waits_and_is_bridged_whatever_happens() -> None:
    channel = Channel({"callguard_asked": "asked", "callguard_when": "gate"})
    assert runs(actions(SNIPPET, "callguard_told", channel), "socket")
    channel = Channel({"callguard_asked": "asked", "callguard_when": "told"})
    assert actions(SNIPPET, "callguard_told", channel) == [
        ("set", f"{WAITING}={TOLD}"),
        ("socket", "${callguard_socket} async full"),
        ("unset", WAITING),
        STOPS,
    ]
    assert channel.variables["callguard_socket"] == "127.0.0.1:8084"
    for asked, when in (("asked", "bridged"), ("emergency", "told"), ("bypass", "told"), ("", "")):
        assert actions(SNIPPET, "callguard_told", Channel({"callguard_asked": asked, "callguard_when": when})) == []


@pytest.mark.requirement("S1", "S128")
def test_bridged_leaves_bridge_alone() -> None:
    assert entered("15125550199", "outbound", when="bridged")[0] == [
        *EXPORTS,
        ("log", "INFO callguard: told in the bridge"),
    ]


@pytest.mark.parametrize(("when", "asked"), [("gate", True), ("told", False), ("bridged", False)])
def test_a_gate_asks_whoever_is_dialled_into_a_call_that_was_asked(when: str, asked: bool) -> None:
    found, _ = entered("15125550199", "outbound", when=when, asked="asked")
    assert any("callguard_told" in data for _, data in found) is asked
    for left_alone in ("bypass", "emergency"):
        assert [name for name, _ in entered("15125550199", "outbound", when=when, asked=left_alone)[0]] == ["log"]


@pytest.mark.parametrize("when", ["told", "gate", "bridged"])
@pytest.mark.parametrize("number", ["911", "9911", "*72", "701"])
def test_no_word_of_when_brings_an_emergency_call_or_a_bypass_to_us(number: str, when: str) -> None:
    found, _ = entered(number, "outbound", when=when, bypass="701")
    assert not any("callguard_told" in data or "callguard_when" in data for _, data in found)


def test_who_was_called_itself_is_asked_where_it_runs_this() -> None:
    channel = Channel({"callguard_dialled": "100", "callguard_direction": "outbound", "direction": "outbound"})
    assert runs(actions(SNIPPET, "callguard", channel), "socket")


@pytest.mark.parametrize("before", ["asked", "bypass", "emergency"])
def test_a_call_is_asked_once(before: str) -> None:
    assert entered("100", asked=before)[0] == [("log", "INFO callguard: goes on")]


# ---------------------------------------------------------------- whom it never touches
@pytest.mark.requirement("S128")
@pytest.mark.parametrize("number", EMERGENCY)
@pytest.mark.parametrize("prefix", ["", "0", "8", "9"])
def test_an_emergency_call_meets_nothing_of_ours(number: str, prefix: str) -> None:
    found, channel = entered(prefix + number, "outbound")
    assert [name for name, _ in found] == ["log"] and channel.variables["callguard_asked"] == "emergency"
    found, channel = entered(prefix + number, "internal", caller_id_number="1000")
    assert found[0] == ("hash", "insert/callguard_emergency/1000/yes") and not runs(found, "socket")


def test_an_emergency_number_of_the_request_counts_too() -> None:
    assert not runs(entered("100", "internal", sip_req_user="911")[0], "socket")


@pytest.mark.parametrize("number", ["0911", "9911", "9112", "1911", "9110", "99", "11", "9111"])
def test_on_an_inbound_call_a_prefix_is_no_prefix(number: str) -> None:
    assert runs(entered(number)[0], "socket")


def test_the_site_has_numbers_and_prefixes_of_its_own() -> None:
    own = {"emergency": "5000|5001", "prefix": "77|7"}
    for number in ("5000", "5001", "77911", "7911"):
        assert not runs(entered(number, "internal", **own)[0], "socket")
    for number in ("5002", "500", "50005001", "777911", "7", "77"):
        assert runs(entered(number, "internal", **own)[0], "socket")


def test_an_emergency_call_that_was_recorded_before_is_not_any_more() -> None:
    assert STOPS in entered("911", "internal", asked="asked")[0]
    assert STOPS not in entered("911", "internal")[0]  # what is not ours stays


def test_who_was_called_by_an_emergency_call_may_ring_back() -> None:
    channel = Channel(
        {"callguard_dialled": "1000", "callguard_direction": "inbound"}, {"callguard_emergency/1000": "yes"}
    )
    assert actions(SNIPPET, "callguard", channel) == [("export", "callguard_asked=bypass")]


@pytest.mark.parametrize("number", ["*72", "#1", "*8", "701", "702"])
def test_feature_codes_and_the_site_s_own_list_are_left_alone(number: str) -> None:
    assert entered(number, "internal", bypass="701|702")[0] == [("export", "callguard_asked=bypass")]


EVIL = ["x) ${system(id)}", "1000/yes hash delete", "a|b", "1 2", "+1;x", "${caller_id_name}", "'"]


@pytest.mark.parametrize("evil", EVIL)
def test_what_a_caller_chose_is_no_argument(evil: str) -> None:
    found, _ = entered("911", "internal", caller_id_number=evil)
    assert not runs(found, "hash") and not any(evil in data for _, data in found)
    channel = Channel({"callguard_dialled": evil, "callguard_home": "public"})
    assert actions(SNIPPET, "callguard_unrecorded", channel) == []


# ---------------------------------------------------------------- the way back
@pytest.mark.requirement("S128")
def test_who_waits_for_a_controller_that_hangs_goes_back_and_on() -> None:
    channel = Channel({"callguard_dialled": "+15125550100", "callguard_home": "public"})
    found = actions(SNIPPET, UNRECORDED, channel)
    assert found[-1] == ("transfer", "+15125550100 XML ${callguard_home}") and STOPS in found
    assert ET.parse(SNIPPET).find(f".//context[@name='{CONTEXT}']") is not None


# ---------------------------------------------------------------- the other files
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_well_formed_and_never_records_by_itself(path: Path) -> None:
    for action in ET.parse(path).iter("action"):
        assert action.get("application") not in ("stop_record_session", "record_session", "uuid_record", "system")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_comment_holds_nothing_that_freeswitch_carries_out(path: Path) -> None:
    """FreeSWITCH reads X-PRE-PROCESS, and the older <!--#set, before it knows what a comment is."""
    text = path.read_text()
    assert "<X-PRE-PROCESS" not in text and "<!--#" not in text


@pytest.mark.parametrize("path", [SNIPPET, *(FOLDER / name for name in FUSION.values())], ids=lambda path: path.name)
def test_nothing_of_ours_has_the_caller_hear_early_media(path: Path) -> None:
    assert {action.get("application") for action in ET.parse(path).iter("action")} <= set(BEFORE_MEDIA)


@pytest.mark.requirement("S128")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_all_that_the_snippet_needs_before_it(path: Path) -> None:
    extensions = [
        item for item in ET.parse(path).iter("extension") if "execute_extension" in ET.tostring(item, "unicode")
    ]
    assert extensions
    for extension in extensions:
        found = [(item.get("application"), item.get("data") or "") for item in extension.iter("action")]
        place = found.index(("execute_extension", "callguard XML callguard"))
        said = {data.partition("=")[0] for _, data in found[:place]}
        assert {f"callguard_{word}" for word in ("type", "direction", "dialled", "home")} <= said
        assert len(found) > place + 1  # and the call goes on


def test_the_event_socket_is_for_this_machine_alone() -> None:
    params = {item.get("name"): item.get("value") for item in ET.parse(FOLDER / "event_socket.conf.xml").iter("param")}
    assert params["listen-ip"] == "127.0.0.1" and params["apply-inbound-acl"] == "loopback.auto"
    assert "CHANGE-ME" in str(params["password"])


@pytest.mark.parametrize("name", FUSION)
def test_the_entry_for_fusionpbx_is_word_for_word_the_snippet(name: str) -> None:
    def body(path: Path) -> list[str]:
        (own,) = [item for item in ET.parse(path).iter("extension") if item.get("name") == name]
        return [line.strip() for item in own for line in ET.tostring(item, "unicode").splitlines() if line.strip()]

    entry = ET.parse(FOLDER / FUSION[name]).find(".//extension")
    assert body(FOLDER / FUSION[name]) == body(SNIPPET)
    assert entry is not None and re.fullmatch("[0-9a-f-]{36}", entry.get("app_uuid", "")) and entry.get("order")


def test_the_words_that_the_head_names_are_those_that_are_read() -> None:
    head = SNIPPET.read_text().partition("-->")[0]
    assert all(f"callguard_{word}" in head for word in WORDS)
