"""All rules over one dialplan: the shipped files, FreePBX's shape, hostile text."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callguard.errors import BadInput
from callguard.lint.examine import Options, lint
from tests.lint.plan import SNIPPET, examined, freepbx, rules, written

EXAMPLES = sorted(SNIPPET.parent.glob("example-*.conf"))


@pytest.mark.requirement("S128")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_shipped_files_are_clean(example: Path) -> None:
    assert lint([SNIPPET, example]).findings == ()


@pytest.mark.requirement("S4", "S36")
def test_a_tree_of_freepbx_without_us(tmp_path: Path) -> None:
    tree = freepbx(tmp_path, asks=False)
    report = lint([tree])
    assert sum(len(path.read_text().splitlines()) for path in tree.glob("*.conf")) > 5000
    assert {(each.rule, each.severity) for each in report.findings} == {
        ("recorder", "blocker"), ("bypass", "blocker"), ("bypass", "warning"), ("not-followed", "warning"),
    }  # fmt: skip
    assert len(report.files) == 4 and report.contexts > 20 and len(report.findings) < 10


def test_a_tree_of_freepbx_with_us_keeps_only_its_own_recorder(tmp_path: Path) -> None:
    report = lint([freepbx(tmp_path, asks=True)])
    assert [each.rule for each in report.findings if each.severity == "blocker"] == ["recorder"]
    assert len(report.files) == 5


def test_an_entry_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--entry nowhere"):
        examined(tmp_path, "[a]\n", Options(entries=("nowhere",)))


def test_a_dialplan_elsewhere_is_said_and_nothing_claimed(tmp_path: Path) -> None:
    assert rules(tmp_path, "[from-trunk]\nswitch => Realtime/@x\n") == [("not-read", 2)]


def test_findings_stand_in_order(tmp_path: Path) -> None:
    text = "[from-trunk]\nexten => 1,1,Queue(a,w)\nexten => 2,1,MixMonitor(a)\n"
    places = [each.place for each in examined(tmp_path, text).findings]
    assert places == sorted(places) and len(places) == 3


WORDS = st.sampled_from(
    "\n[b]|\n[callguard]|\n[b](+)|\n[c](!)|\nexten => s,1,|\nexten => _X.,n(a),|\n same => n,|Goto(|ExecIf(|?|:|${|}"
    "|Gosub(callguard,s,1(|$[|]|(|)|,|;|;--|--;|\\|\n|MixMonitor(a)|Dial(Local/1@b|Queue(a)|While(1)|EndWhile|ExitWhile"
    "|Macro(x)|hint|\ninclude => |\n#exec x|Background(|EXTEN|_[|_9-[1-|Return()|Set(|FILTER(|^|\x00|é|s,1".split("|")
)
TEXTS = st.lists(WORDS, max_size=60).map(lambda words: "[from-trunk]\n" + "".join(words))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=300), TEXTS))
def test_any_text_is_judged_or_refused_in_our_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.conf"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        lint([path, SNIPPET], Options(strict=True))
    except BadInput as error:
        assert "any.conf" in str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["extensions", "features", "queues", "confbridge", "agents"]))
def test_any_bytes_in_any_file_are_judged_or_refused(tmp_path: Path, data: bytes, name: str) -> None:
    written(tmp_path, "[from-trunk]\n")
    (tmp_path / f"{name}.conf").write_bytes(b"[featuremap]\nexten => 1,1," + data)
    try:
        lint([tmp_path])
    except BadInput as error:
        assert name in str(error)


@pytest.mark.parametrize(
    "line",
    [
        "x" * 1_000_000,
        "Goto(${EXTEN:" + "9" * 5000 + "},1)",
        "MixMonitor(" + "${" * 4000 + ")",
        "Goto(\0)",
        "Goto(²,٣)",
    ],
    ids=["a megabyte", "digits", "nested", "NUL", "odd digits"],
)
def test_lines_that_nobody_writes(tmp_path: Path, line: str) -> None:
    text = f"[from-trunk]\nexten => 12,1,{line}\nexten => _X.,1,{line}\n"
    assert examined(tmp_path, text).contexts == lint([SNIPPET]).contexts + 1


def test_memory_grows_with_the_lines_and_no_faster(tmp_path: Path) -> None:
    lines = "".join(f"exten => {number},1,NoOp(x)\n same => n,Queue(a)\n" for number in range(5_000))
    path = written(tmp_path, f"[office]\n{lines}")
    tracemalloc.start()
    report = lint([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.contexts == 1 and peak < 10_000 * 4096


@pytest.mark.requirement("S36")
def test_the_shipped_override_puts_freepbx_recorders_to_sleep(tmp_path: Path) -> None:
    override = (SNIPPET.parent.parent / "freepbx" / "extensions_override_freepbx.conf").read_text()
    report = lint([freepbx(tmp_path, asks=True, override=override)])
    assert {(each.rule, each.severity) for each in report.findings} == {
        ("recorder", "warning"), ("not-followed", "warning"),
    }  # fmt: skip


@pytest.mark.requirement("S128")
def test_the_shipped_files_for_freepbx_are_clean() -> None:
    files = sorted((SNIPPET.parent.parent / "freepbx").glob("*.conf"))
    assert files and lint(files, Options(folder=SNIPPET.parent)).findings == ()
