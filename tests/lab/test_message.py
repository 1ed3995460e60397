from __future__ import annotations

from callguard.lab.message import Draft, audio_target, display, parse, sdp, tag, uri


def test_what_is_written_can_be_read() -> None:
    draft = Draft("INVITE sip:100@pbx SIP/2.0", sdp("127.0.0.1", 4000, 2, "sendonly"))
    draft.add("Via", "one").add("Via", "two").add("CSeq", "7 INVITE").add("To", "<sip:100@pbx>;tag=abc")
    message = parse(draft.encode())
    assert message is not None
    assert (message.method, message.sequence, message.status, message.to_tag) == ("INVITE", 7, 0, "abc")
    assert message.all("via") == ["one", "two"]
    assert audio_target(message.body) == ("127.0.0.1", 4000) and "a=sendonly" in message.body
    assert int(message.get("content-length")) == len(message.body)


def test_a_response_is_of_the_method_it_answers() -> None:
    message = parse(b"SIP/2.0 486 Busy Here\r\nCSeq: 3 INVITE\r\ni: x\r\n\r\n")
    assert message is not None
    assert (message.status, message.method, message.get("call-id")) == (486, "INVITE", "x")


def test_bytes_that_are_no_text_survive() -> None:
    raw = b'"\xff\xfe$(id)" <sip:a@b>'
    data = Draft("BYE sip:a SIP/2.0").add("From", raw).encode()
    message = parse(data)
    assert message is not None
    assert Draft("BYE sip:a SIP/2.0").add("From", message.get("from")).encode() == data


def test_noise_is_not_a_message() -> None:
    assert parse(b"\r\n\r\n") is None
    assert parse(b"\x80\x00\x01") is None


def test_addresses_and_tags() -> None:
    assert uri('"A <b>" <sip:a@b:1>;tag=x') == "sip:a@b:1"
    assert uri("sip:a@b;transport=udp") == "sip:a@b"
    assert tag('"x;tag=no" <sip:a@b;tag=no>;a=b;tag=yes') == "yes"
    assert tag("<sip:a@b>") == ""


def test_a_body_without_audio_has_no_target() -> None:
    assert audio_target("v=0\r\n") is None


def test_the_name_to_display() -> None:
    assert display('"[REC] A \\"b\\" \\\\ c" <sip:a@b>;tag=x') == '[REC] A "b" \\ c'
    assert display("<sip:a@b>") == display('sip:a@b;x="y"') == ""
