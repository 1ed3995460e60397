"""callguard rule, as an admin runs it."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from callguard.store.pack import shipped_pack
from tests.cli.command import Done, callguard, database, play, site

TEXAS = ("--party", "role=agent,site=US-TX")
OVERRIDE = """
[override.US-TX]
consent = "all_party"
notice_required = true
beep_ok = "no"
reason = "counsel"
author = "legal"
expires = {}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(str(files("callguard").joinpath("data", "rules")), tmp_path / "pack"))


def edit(folder: Path, old: str, new: str) -> Path:
    path = folder / "jurisdictions.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return folder


@pytest.fixture
def stdin() -> Iterator[io.BytesIO]:
    """What the command reads from standard input."""
    before, content = sys.stdin, io.BytesIO()
    sys.stdin = io.TextIOWrapper(content, "utf-8")
    yield content
    sys.stdin = before


# ---------------------------------------------------------------- explain
QUESTION = {
    "event": "start",
    "number_policy": "hint",
    "parties": [{"role": "agent", "site": "US-TX"}, {"role": "customer", "number": "+14155551234", "line": "landline"}],
}


@pytest.mark.requirement("S9", "S12")
def test_explain_a_file_and_standard_input(tmp_path: Path, stdin: io.BytesIO) -> None:
    file = tmp_path / "question.json"
    file.write_text(json.dumps(QUESTION))
    done = callguard("rule", "explain", "--input", file, "--json")
    document = json.loads(done.out)
    assert (done.status, done.err) == (0, "")
    assert (document["jurisdictions"], document["action"]) == (["US-TX", "US-CA"], "announce_then_record")
    assert document["rule_pack"] == shipped_pack().version
    stdin.write(json.dumps(QUESTION).encode())
    stdin.seek(0)
    assert callguard("rule", "explain", "--input", "-", "--json").out == done.out


@pytest.mark.requirement("S9")
def test_explain_parties_on_the_command_line() -> None:
    caller = "role=customer,number=+14155551234,line=mobile,joined_at=60,on_hold=true,announced=no"
    done = callguard("rule", "explain", *TEXAS, "--party", caller, "--event", "join", "--json")
    assert json.loads(done.out)["action"] == "pause_ask_all_then_resume"
    trusted = callguard("rule", "explain", *TEXAS, "--party", caller, "--event", "join", "--number-policy", "trust")
    assert "join: pause_announce_to_all_then_resume" in trusted.text


@pytest.mark.requirement("S9")
def test_explain_for_people() -> None:
    done = callguard("rule", "explain", *TEXAS, "--party", "role=customer,number=+13055551234,line=landline")
    for part in (
        "US-TX: its registered site", "US-FL: its number; the area code", "Fla. Stat. 934.03", "medium, disputed",
        "together: consent all_party, express yes", "start: ask_consent_then_record",
        "confidence: medium; disputed: US-FL", "sources read 2026-11; not legal advice",
    ):  # fmt: skip
        assert part in done.text, part
    assert done.status == 0 and "5551234" not in done.text


def test_overrides_in_force_and_expired_are_named(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(OVERRIDE.format("2999-01-01"))
    done = callguard("rule", "explain", *TEXAS, "--overrides", file)
    assert "start: announce_then_record" in done.text and "override of US-TX by legal until 2999-01-01" in done.text
    file.write_text(OVERRIDE.format("2026-01-01"))
    done = callguard("rule", "explain", *TEXAS, "--overrides", file)
    assert "start: record" in done.text and "expired, without effect: override of US-TX" in done.text


def test_another_pack(folder: Path) -> None:
    edit(folder, "FR,France,all_party", "FR,France,one_party")
    french = ("rule", "explain", "--party", "role=agent,site=FR", "--json")
    assert json.loads(callguard(*french).out)["consent"] == "all_party"
    assert json.loads(callguard(*french, "--rules", folder).out)["consent"] == "one_party"


DEEP = b'{"parties":' + b"[" * 100_000
DEEP_ENOUGH = b"[" * 1000 + b"]" * 1000
TWICE = b'{"event": "join", "event": "start", "parties": [{"role": "agent"}]}'
TWICE_BELOW = b'{"event": "start", "parties": [{"role": "customer", "crm": "US-CA", "crm": "US-TX"}]}'


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not"),
        (b"[]", "must be an object"),
        (DEEP, "not JSON"),
        (DEEP_ENOUGH, ""),
        (TWICE, "event: stands there twice"),
        (TWICE_BELOW, "crm: stands there twice"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than"),
        (b'{"event": "start", "parties": null}', "parties: must be a list"),
        (b'{"event": "start", "parties": [], "x\\u001b": 1}', "x?: unknown key"),
        (b'{"event": "start", "parties": [{"role": "agent", "number": NaN}]}', "not JSON"),
    ],
)
def test_bad_documents_are_2(tmp_path: Path, stdin: io.BytesIO, content: bytes, part: str) -> None:
    file = tmp_path / "question.json"
    file.write_bytes(content)
    stdin.write(content)
    stdin.seek(0)
    for source in (file, "-"):
        done = callguard("rule", "explain", "--input", source, "--json")
        assert (done.status, done.out) == (2, b"") and part in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--party", "agent"),
        ("--party", "role=agent,joined_at=noon"),
        ("--party", "role=agent,on_hold=perhaps"),
        ("--party", "role=agent,colour=red"),
        ("--party", "role=agent,site=US-CA,site=US-TX"),
        ("--party", "role=agent", "--event", "begin"),
        ("--party", "role=agent", "--rules", "/none"),
        ("--party", "role=agent", "--overrides", "/none"),
        ("--input", "/none"),
        ("--input", "-", "--event", "start"),
        ("--input", "-", "--party", "role=agent"),
    ],
)
def test_bad_usage_is_2(arguments: tuple[str, ...]) -> None:
    done = callguard("rule", "explain", *arguments)
    assert (done.status, done.out) == (2, b"") and done.err


# ---------------------------------------------------------------- rows
def test_list_all_rows() -> None:
    done = callguard("rule", "list", "--json")
    document = json.loads(done.out)
    assert len(document["rows"]) == 122 and document["dated"] == "2026-11"
    text = callguard("rule", "list").text
    assert "US-CA California" in text and "122 row(s)" in text


def test_show_a_row_and_the_countrys() -> None:
    document = json.loads(callguard("rule", "show", "us-ca", "--json").out)
    assert (document["row"]["name"], document["also"]) == ("California", ["US"])
    assert "goes with          US" in callguard("rule", "show", "US-CA").text
    assert json.loads(callguard("rule", "show", "US", "--json").out)["also"] == []
    assert "no more than US is known takes US-ZZ" in callguard("rule", "show", "US").text


def test_ca_is_canada_and_that_is_said() -> None:
    assert "CA is Canada (organisations); California is US-CA." in callguard("rule", "show", "CA").text


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("TX", "did you mean US-TX (Texas)?"),
        ("Californa", "did you mean US-CA (California)?"),
        ("CA-ON", "A place without a row takes CA."),
        ("qqqqqq", "`callguard rule list` names them all. A place without a row takes ZZ."),
        ("x\x1b[31m", "x?[31m: no row"),
    ],
)
def test_a_wrong_code_is_2_and_says_what_may_be_meant(code: str, part: str) -> None:
    done = callguard("rule", "show", code)
    assert (done.status, done.out) == (2, b"") and part in done.err


# ---------------------------------------------------------------- overrides
def test_check_a_file_of_overrides(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(OVERRIDE.format("2999-01-01"))
    assert callguard("rule", "check", file).text.endswith("1 override(s), all in force\n")
    (override,) = json.loads(callguard("rule", "check", file, "--json").out)["overrides"]
    assert override["changes"] == {"consent": "all_party", "notice_required": "yes", "beep_ok": "no"}
    file.write_text(OVERRIDE.format("2026-01-01") + '[override.XX]\nnote = "x"\n')
    done = callguard("rule", "check", file)
    assert done.status == 2 and "5 problem(s)" in done.err and "2026-01-01 is over" in done.err
    assert callguard("rule", "check", tmp_path / "none").status == 2


# ---------------------------------------------------------------- two packs
def test_no_difference_is_0(folder: Path, tmp_path: Path) -> None:
    done = callguard("rule", "diff", "shipped", folder, "--config", tmp_path / "none.toml")
    assert done.status == 0 and "0 jurisdiction(s) differ" in done.text


@pytest.mark.requirement("S46")
def test_a_difference_is_1_and_without_a_database_the_share_is_unknown(folder: Path, tmp_path: Path) -> None:
    edit(folder, "FR,France,all_party", "FR,France,one_party")
    config = site(tmp_path / "site")
    done = callguard("rule", "diff", "shipped", folder, "--config", config)
    assert done.status == 1 and "FR: consent: all_party -> one_party" in done.text
    assert "1 jurisdiction(s) differ" in done.text and "is unknown" in done.text
    document = json.loads(callguard("rule", "diff", "shipped", folder, "--config", config, "--json").out)
    assert document["changed"] == {"FR": {"consent": ["all_party", "one_party"]}}
    assert document["calls"]["share"] is None and document["calls"]["why"]
    assert callguard("rule", "diff", "shipped", tmp_path / "none").status == 2


@pytest.mark.requirement("S46")
def test_the_share_of_recent_calls_whose_demand_would_change(folder: Path, tmp_path: Path) -> None:
    edit(folder, "explicit consent,,high", "explicit consent,retention_days=1,high")
    with database(tmp_path / "server") as server:
        asyncio.run(play(server, tmp_path / "stage"))
        config = site(tmp_path / "site", server.app_dsn)

        def diff(days: int) -> Done:
            return callguard("rule", "diff", "shipped", folder, "--config", config, "--days", days)

        assert "1 of 1 call(s) of the last 3660 day(s) (100.0%) would have another demand" in diff(3660).text
        assert "no call of these days has a rule on record" in diff(1).text
