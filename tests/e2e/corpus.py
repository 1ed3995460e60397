"""Caller ids as no phone should send them: what was seen in attacks, written by hand, and more made from it.

What belongs here: the strings. What does not: how they are sent and what must not come of them (test_caller_id.py).
Every one holds CANARY, by which it is found wherever it turns up; one that is executed touches a file.
"""

from __future__ import annotations

import random
from pathlib import Path

CANARY = "Zx9Canary"
FORGED = "2026-11-26 00:00:00 ERROR forged"
PWNED = "pwned"
MOST = 10_000
"""Bytes of the longest."""

_SHELL = (
    "$({})", "`{}`", "; {} ;", "| {}", "|| {}", "&& {}", "& {} &", "'; {}; '", '"; {}; "',
    "\n{}\n", "$IFS;{}", ">({})",
    "{{{},}}", "\\$({})", "%0a{}", "';{};#", "x\"`{}`\"x", "<({})",
)  # fmt: skip
_DIALPLAN = (
    "${{SHELL({})}}", "${{SYSTEM({})}}", "${{EVAL(${{SHELL({})}})}}", "$[${{SHELL({})}}]", "${{FILE(/tmp/x,,,,{})}}",
    "${{EXTEN}}{}", "$[1+1]{}", "${{CHANNEL(pjsip,call-id)}}{}", "${{CURL(http://127.0.0.1/{})}}",
    "^{}", "a,b,c)t({})",
    "r({})", "|{}|", "&PJSIP/x&{}", ")\nexten => s,1,System({})", "${{ODBC_X({})}}", "${{AGI({})}}", "@default,{}",
)  # fmt: skip
_TEXT = (
    "' OR 1=1 --", "'); DROP TABLE callguard.call; --", "\\'; SELECT 1",
    "1; COPY (SELECT 1) TO PROGRAM 'x'", "$$;--",
    "E'\\\\x27'", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}",
    "{%raw%}", "${7*7}", "<%= 7*7 %>", "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-1+1", "\t=1",
    '=HYPERLINK("x")', "%s%n%x%p", "%d%d%d", "{0.__class__}", "{self}", "../../../../etc/passwd",
    "..\\..\\x", "/dev/null", "/etc/cron.d/x",
    "file:///etc/passwd", "..%2f..%2f", "%00%0a%0d", "CON", ".", "..", "~root", "-rf",
    "--config=/x", "*", "?", "[a-z]",
    "a\\nb", "\\r\\nEvent: Forged", "Action: Originate", "--END COMMAND--", "ActionID: 1", "\\u0000", "\\x1b[2J",
    "null", "None", "true", "NaN", "1e999", "0x41", "anonymous", "Restricted", "unknown",
    "<sip:evil@x>", "sip:a@b;tag=1",
    "\u202egnp.exe", "\u200b\u200d\ufeff", "\U0001f600\U0001f468\u200d\U0001f469",
    "I\u0307\u0131\u017f\u212a", "\ufffd\uffff",
    "e\u0301" * 40, "\u0661\u0662\u0663", "\uff11\uff12", "\u2028\u2029", "\ud7ff\ue000", "A" * 255, "B" * 4000,
    "x" * (MOST - 20),
)  # fmt: skip
_LINES = (
    f"\r\n{FORGED}", f"\n{FORGED}", f"\r{FORGED}", f"\x0b{FORGED}", f"\x85{FORGED}",
    f"\u2028{FORGED}", "a\r\nX-Evil: 1",
    "\x1b[2K\x1b[1A" + FORGED, "\x08" * 40 + FORGED, "\x00" + FORGED, "\x07\x7f", "tab\there",
    "\r\n\r\nEvent: Hangup\r\n",
)  # fmt: skip
_RAW = (
    b"\xff\xfe\x80", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf\xc0\xae",
    b"nul\x00in", b"\x80" * 60,
    bytes(range(1, 32)), bytes(range(127, 256)), b"\xef\xbb\xbf", b"\xfe\xffa",
)  # fmt: skip


def strings(folder: Path, count: int) -> list[bytes]:
    """COUNT strings, the same at every call; what is executed of them touches PWNED in FOLDER."""
    touch = f"touch {folder}/{PWNED}"
    by_hand = [form.format(touch) for form in (*_SHELL, *_DIALPLAN)] + [*_TEXT, *_LINES]
    whole = [f"{CANARY} {text}".encode("utf-8", "surrogatepass") for text in by_hand]
    whole += [CANARY.encode() + b" " + raw for raw in _RAW]
    chance = random.Random(322)
    while len(whole) < count:
        parts = chance.sample(whole[: len(by_hand)], 2)
        glue = "".join(map(chr, chance.choices((*range(1, 0x250), *range(0x2000, 0x2070)), k=chance.randint(0, 6))))
        text = parts[0][:200] + glue.encode() + parts[1].removeprefix(CANARY.encode())[:200]
        if _ends_a_line(text):  # it can arrive as a number alone, of which Asterisk keeps so much
            text = text[:_NUMBER].decode(errors="ignore").encode()
        elif len(whole) % 2:
            text = _mangled(text, chance)
        whole += [text] * (text not in whole)
    return whole[:count]


def paired(whole: list[bytes]) -> list[tuple[bytes, bytes]]:
    """WHOLE as a name and a number for each call, so that all of it arrives: a name between quotes cannot hold the end
    of a line, and Asterisk empties a number that is no UTF-8 where it cuts it."""
    numbers = [text for text in whole if _ends_a_line(text)]
    names = [text for text in whole if not _ends_a_line(text) and not _is_utf8(text[:_NUMBER])]
    rest = [text for text in whole if text not in numbers and text not in names]
    fill = len(whole) // 2 - len(names)
    return list(zip(names + rest[:fill], numbers + rest[fill:], strict=True))


_NUMBER = 79
"""Bytes of a number that Asterisk keeps."""
_ENDS = b"\0\r\n"


def _ends_a_line(text: bytes) -> bool:
    return any(byte in text for byte in _ENDS)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _mangled(text: bytes, chance: random.Random) -> bytes:
    """TEXT with a few bytes of its end exchanged, taken out or said twice."""
    data = bytearray(text)
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(CANARY) + 1, len(data))
        match chance.randint(0, 2):
            case 0:
                data[at] = chance.choice([byte for byte in range(256) if byte not in _ENDS])
            case 1 if len(data) > len(CANARY) + 8:
                del data[at]
            case _:
                data[at:at] = data[at : at + 3]
    return bytes(data)


def quoted(name: bytes) -> bytes:
    """NAME as a SIP display name may hold it between its quotes: no line ends there, quotes are escaped."""
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def escaped(name: bytes) -> bytes:
    """NAME as the user part of a SIP address: every byte that may not stand there as %XX."""
    return b"".join(bytes([byte]) if chr(byte).isalnum() and byte < 128 else b"%%%02X" % byte for byte in name)
