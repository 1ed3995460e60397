"""The Event Socket's codec, held against what a real FreeSWITCH sent, and against what nobody should send."""

from __future__ import annotations

import json

import pytest
from greenswitch.esl import ESLEvent
from hypothesis import given
from hypothesis import strategies as st

from callguard.errors import BadInput, LinkDown
from callguard.pbx.freeswitch.codec import BODY, BODY_CAP, HEAD_CAP, Decoder, Frame, encode, message_of, plain_message
from tests.pbx.freeswitch.capture import NAMES, messages, wire


def frames_of(data: bytes, *cuts: int) -> list[Frame]:
    """The frames of DATA, fed in pieces."""
    decoder = Decoder()
    found: list[Frame] = []
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        found += decoder.feed(data[start:end])
    return found


def event(body: bytes, kind: str = "plain") -> bytes:
    """BODY as an event frame."""
    return b"Content-Length: %d\nContent-Type: text/event-%s\n\n%s" % (len(body), kind.encode(), body)


REPLY = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
SHORT = (
    b"Content-Type: auth/request\n\n"
    + REPLY
    + b"Content-Type: api/response\nContent-Length: 12\n\n+OK Success\n"
    + event(b"Event-Name: DTMF\nDTMF-Digit: %23\n\n")
    + b"Content-Type: text/disconnect-notice\nContent-Length: 3\n\nbye"
)


# ---------------------------------------------------------------- what a real one sends
@pytest.mark.parametrize("name", NAMES)
def test_every_byte_of_a_capture_belongs_to_a_frame(name: str) -> None:
    data = wire(name)
    whole = frames_of(data)
    kinds = {frame.kind for frame in whole}
    assert kinds <= {"auth/request", "command/reply", "api/response", "text/event-plain", "text/disconnect-notice"}
    assert frames_of(data + REPLY)[-1].text == "+OK accepted"  # nothing was left over
    assert all(message_of(frame) for frame in whole if frame.kind == "text/event-plain")


def test_the_answer_to_connect_is_an_event_without_a_length() -> None:
    first = messages("consent.outbound")[0]
    assert first["Event-Name"] == "CHANNEL_DATA" and first["Content-Type"] == "command/reply"
    assert first["Reply-Text"] == "+OK\n" and first["Channel-Context"] == "lab"


def test_values_are_decoded_and_names_are_kept() -> None:
    created = next(item for item in messages("consent.inbound") if item["Event-Name"] == "CHANNEL_CREATE")
    assert created["Channel-Name"] == "sofia/lab/caller@127.0.0.1:50744"
    assert created["variable_switch_r_sdp"].startswith("v=0\r\n")


def test_a_name_with_a_line_break_in_it_stays_a_value() -> None:
    """A caller called 12%0AInjected-Header: evil%0Ax."""
    for message in messages("greenswitch-inject.outbound"):
        assert not [key for key in message if key.startswith("Injected")]
    assert any("\nInjected-Header" in value for value in messages("greenswitch-inject.outbound")[0].values())


def test_a_caller_forges_a_header_in_greenswitch_and_not_here() -> None:
    """greenswitch 0.0.19 decodes an event before it takes its lines apart: From: 12%0AInjected-Header: evil%0Ax."""
    answer = frames_of(wire("greenswitch-inject.outbound"))[0]
    lines = "".join(f"{key}: {value}\n" for key, value in answer.headers)
    theirs, ours = ESLEvent(lines).headers, message_of(answer)
    assert theirs["Injected-Header"].startswith("evil")
    assert ours and "Injected-Header" not in ours
    body = lines.replace("Injected-Header", "variable_callguard_type").encode()
    assert ESLEvent(body.decode()).headers["variable_callguard_type"].startswith("evil")
    assert "variable_callguard_type" not in plain_message(body)


def test_a_name_that_is_no_utf8_ends_nothing() -> None:
    frames = frames_of(wire("greenswitch-latin1.outbound"))
    assert any("\ufffd" in frame.text for frame in frames if frame.kind == "api/response")
    assert frames_of(wire("greenswitch-latin1.outbound") + REPLY)[-1].text == "+OK accepted"


# ---------------------------------------------------------------- framing
@pytest.mark.parametrize("cut", range(len(SHORT) + 1))
def test_a_cut_at_any_byte_changes_nothing(cut: int) -> None:
    assert frames_of(SHORT, cut) == frames_of(SHORT)


@given(st.lists(st.integers(0, 20_000), max_size=30))
def test_cuts_anywhere_change_nothing(cuts: list[int]) -> None:
    data = wire("misc.outbound")[:20_000]
    assert frames_of(data, *sorted(min(cut, len(data)) for cut in cuts)) == frames_of(data)


@pytest.mark.fault("signalwire/freeswitch#624")
def test_an_event_of_a_megabyte_comes_whole() -> None:
    body = b"Event-Name: CUSTOM\nvariable_x: " + b"x" * (1 << 20) + b"\n\n"
    (frame,) = frames_of(event(body), 100, 70_000)
    message = message_of(frame)
    assert message and len(message["variable_x"]) == 1 << 20


LENGTHS = ["-1", "-2147483648", "+5", "0x10", "1e3", " ", "99999999999", str(BODY_CAP + 1), "five"]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_none_ends_the_connection(length: str) -> None:
    """CVE-2026-49840: a negative length corrupted the heap of the C library."""
    head = f"Content-Type: api/response\nContent-Length: {length}\n\nrest".encode()
    with pytest.raises(LinkDown):
        frames_of(head)


@pytest.mark.fault("signalwire/freeswitch#505")
def test_two_lengths_that_differ_end_the_connection() -> None:
    with pytest.raises(LinkDown):
        frames_of(b"Content-Length: 3\nContent-Length: 4\n\nabcd")
    assert frames_of(b"Content-Length: 3\nContent-Length: 3\n\nabc")[0].body == b"abc"


def test_a_head_without_an_end_does_not_fill_the_memory() -> None:
    decoder = Decoder()
    with pytest.raises(LinkDown):
        for _ in range(HEAD_CAP // 65_536 + 2):
            list(decoder.feed(b"x" * 65_536))


@given(st.binary(max_size=4000))
def test_no_bytes_break_anything_but_the_connection(data: bytes) -> None:
    try:
        for frame in frames_of(data, len(data) // 2):
            message_of(frame)
            assert isinstance(frame.text, str)
    except LinkDown:
        pass


# ---------------------------------------------------------------- events
def test_the_body_of_an_event_is_kept_by_its_own_length() -> None:
    (frame,) = frames_of(event(b"Event-Name: BACKGROUND_JOB\nContent-Length: 4\n\n+OK\nleft over"))
    message = message_of(frame)
    assert message and message[BODY] == "+OK\n"


def test_a_header_that_comes_twice_counts_once() -> None:
    """sofia::notify_refer says its Content-Length twice."""
    message = plain_message(b"Event-Name: CUSTOM\nContent-Length: 2\nContent-Length: 9\n\nab")
    assert message["Content-Length"] == "2" and message[BODY] == "ab"


def test_an_event_in_json_says_the_same() -> None:
    own = {"Event-Name": "DTMF", "DTMF-Digit": "#", "odd": ["a"], "_body": "x"}
    (frame,) = frames_of(event(json.dumps(own).encode(), "json"))
    assert message_of(frame) == {"Event-Name": "DTMF", "DTMF-Digit": "#", "_body": "x"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_json_that_is_no_event_is_none(body: bytes) -> None:
    (frame,) = frames_of(event(body, "json"))
    assert message_of(frame) is None


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=20))
def test_any_json_event_comes_back(own: dict[str, str]) -> None:
    (frame,) = frames_of(event(json.dumps(own).encode(), "json"))
    assert message_of(frame) == own


# ---------------------------------------------------------------- commands
def test_a_command_is_its_lines_and_an_empty_one() -> None:
    headers = (("call-command", "execute"), ("execute-app-name", "answer"))
    assert encode("sendmsg u", headers) == b"sendmsg u\ncall-command: execute\nexecute-app-name: answer\n\n"


@pytest.mark.parametrize("evil", ["a\nb", "a\rb", "a\0b", "\n\napi system x"])
def test_a_value_cannot_smuggle_in_a_command(evil: str) -> None:
    with pytest.raises(BadInput):
        encode(f"api uuid_getvar {evil}")
    with pytest.raises(BadInput):
        encode("sendmsg", [("execute-app-arg", evil)])
    with pytest.raises(BadInput):
        encode("sendmsg", [(evil, "x")])
    with pytest.raises(BadInput):
        encode("sendmsg", [("a: b", "x")])
