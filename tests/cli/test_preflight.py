"""callguard preflight, as an admin runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import callguard

POLICY = """
[default]
purpose = "qa"
retention = {audio = 30}
listen = ["supervisor"]
agents = ["PJSIP/agent*"]
alternative = "e-mail"
[call_type.casual]
mode = "announce"
site = "US-TX"
[call_type.careful]
mode = "ask"
[call_type.never]
purpose = "none"
mode = "never"
"""
AGENT, TEXAN = "role=agent,site=US-TX", "role=customer,number=+15125550147,line=landline"


def ask(folder: Path, call_type: str, *parties: str, more: tuple[str, ...] = ("--json",)) -> tuple[int, str, str]:
    path = folder / "policy.toml"
    path.write_text(POLICY)
    options = [word for party in parties for word in ("--party", party)]
    done = callguard("preflight", "--call-type", call_type, "--policy", str(path), *options, *more)
    return done.status, done.out.decode(), done.err


@pytest.mark.requirement("S12")
@pytest.mark.parametrize(
    ("call_type", "parties", "verdict", "status"),
    [
        ("casual", (AGENT, TEXAN), "ALLOW", 0),
        ("casual", ("role=agent", TEXAN), "ALLOW", 0),
        ("casual", (AGENT, "role=customer,crm=US-MD"), "ASK", 0),
        ("casual", (AGENT, "role=customer,cli=anonymous"), "ASK", 0),
        ("careful", (AGENT, TEXAN), "ASK", 0),
        ("never", (AGENT, TEXAN), "DO-NOT-RECORD", 1),
        ("casual", (TEXAN,), "DO-NOT-RECORD", 1),
        ("casual", (AGENT, f"{TEXAN},answer=withdraw"), "DO-NOT-RECORD", 1),
        ("casual", (AGENT, TEXAN, "role=guest,crm=US-TX,answer=no,left_at=9"), "ALLOW", 0),
    ],
)
def test_the_verdict(tmp_path: Path, call_type: str, parties: tuple[str, ...], verdict: str, status: int) -> None:
    found, out, _ = ask(tmp_path, call_type, *parties)
    told = json.loads(out)
    assert (found, told["verdict"]) == (status, verdict)
    assert len(told["answers"]) == 5 and told["id"] and told["rule"]["reasons"]


def test_the_same_question_has_the_same_id(tmp_path: Path) -> None:
    ids = [json.loads(ask(tmp_path, "casual", AGENT, TEXAN)[1])["id"] for _ in range(2)]
    others = [("careful", AGENT, TEXAN), ("casual", TEXAN), ("casual", AGENT, f"{TEXAN},answer=no")]
    ids += [json.loads(ask(tmp_path, *other)[1])["id"] for other in others]
    assert ids[0] == ids[1] and len(set(ids)) == 4


def test_people_read_the_questions_and_no_number(tmp_path: Path) -> None:
    _, out, _ = ask(tmp_path, "casual", AGENT, TEXAN, more=())
    assert "Are you a participant" in out and "ALLOW" in out and "5550147" not in out


@pytest.mark.parametrize(
    ("call_type", "party", "says"),
    [("nothing", AGENT, "no such call type"), ("casual", "role=pilot", "role"), ("casual", "agent", "KEY=VALUE")],
)
def test_what_is_wrong_is_said(tmp_path: Path, call_type: str, party: str, says: str) -> None:
    status, _, err = ask(tmp_path, call_type, party)
    assert status == 2 and says in err
