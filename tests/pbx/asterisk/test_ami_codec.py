from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.errors import BadInput
from callguard.pbx.asterisk.ami_codec import Decoder, Message, encode

STREAM = (
    "Asterisk Call Manager/11.0.0\r\n"
    "Response: Success\r\nActionID: cg1\r\nMessage: Authentication accepted\r\n\r\n"
    "Event: VarSet\r\nCallerIDName: Zoë 測試 \U0001f4de\r\nValue: a: b\r\nValue:\r\n\r\n"
    "an odd line\r\nEvent: Hangup\r\n\r\n"
).encode()
MESSAGES = [
    Message((("Response", "Success"), ("ActionID", "cg1"), ("Message", "Authentication accepted"))),
    Message((("Event", "VarSet"), ("CallerIDName", "Zoë 測試 \U0001f4de"), ("Value", "a: b"), ("Value", ""))),
    Message((("Event", "Hangup"),), ("an odd line",)),
]


def fed(pieces: list[bytes], cap: int = 1000) -> tuple[str, list[Message]]:
    decoder = Decoder(cap)
    return decoder.banner or "", [message for piece in pieces for message in decoder.feed(piece)]


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_any_cut_gives_the_same_messages(cut: int) -> None:
    decoder = Decoder()
    assert decoder.feed(STREAM[:cut]) + decoder.feed(STREAM[cut:]) == MESSAGES
    assert decoder.banner == "11.0.0"


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8), st.integers(1, 60))
def test_fault_panoramisk_90_no_input_kills_it_and_cuts_never_matter(data: bytes, cuts: list[int], cap: int) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert fed(pieces, cap) == fed([data], cap)


@given(st.lists(st.sampled_from(["A: b", "odd", "", "Key:v", ": x", "\xff", "Asterisk Call Manager/9"]), max_size=20))
def test_lines_in_any_order(lines: list[str]) -> None:
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    assert fed([data[i : i + 1] for i in range(len(data))]) == fed([data])


def test_bytes_that_are_no_utf8_are_tolerated() -> None:
    assert Decoder().feed(b"Event: X\r\nCallerIDName: \xff\xfe\r\n\r\n")[0].get("calleridname") == "\ufffd\ufffd"


def test_a_message_that_is_too_long_is_cut_and_the_next_one_read() -> None:
    decoder = Decoder(cap=50)
    first, second = decoder.feed(b"Event: A\r\nLong: " + b"x" * 5000 + b"\r\nLast: 1\r\n\r\nEvent: B\r\n\r\n")
    assert first.cut and first.headers == (("Event", "A"),)
    assert second == Message((("Event", "B"),))


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    decoder = Decoder(cap=1000)
    for _ in range(100):
        assert decoder.feed(b"x" * 10_000) == []
    assert len(decoder._rest) <= 1001
    assert decoder.feed(b"\r\n\r\nEvent: B\r\n\r\n")[-1].get("Event") == "B"


def test_repeated_keys_are_kept() -> None:
    assert MESSAGES[1].all("value") == ("a: b", "") and MESSAGES[1].get("absent", "x") == "x"


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("bad", ["a\r\nAction: Originate", "a\nb", "a\rb", "a\0b"])
def test_a_value_cannot_smuggle_in_an_action(bad: str) -> None:
    with pytest.raises(BadInput) as refusal:
        encode("Getvar", [("Variable", bad)])
    assert bad not in str(refusal.value)


@pytest.mark.parametrize("bad", ["", "a b", "a:b", "a\r\nb", "Ä"])
def test_a_key_is_a_word(bad: str) -> None:
    with pytest.raises(BadInput):
        encode("Getvar", [(bad, "x")])


@given(st.text(st.characters(exclude_characters="\r\n\0"), max_size=200))
def test_what_is_encoded_decodes_to_itself(value: str) -> None:
    (message,) = Decoder().feed(encode("Test", [("Value", value)]))
    assert message.get("Action") == "Test"
    assert message.get("Value") == value.encode("utf-8", "replace").decode()
