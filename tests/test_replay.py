"""A stored log through the core again; and every way in which a file can be wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callguard.core.policy import Mode, OnWithdrawal
from callguard.errors import BadLog
from callguard.ports import StoredCall
from callguard.replay import Story, read_story, replay, story_of, write_story
from tests.engine.stage import Stage

Document = dict[str, Any]


@cache
def stored() -> StoredCall:
    """A call that was recorded, paused by a link that was lost, and ended."""

    async def play() -> StoredCall:
        with TemporaryDirectory() as folder:
            async with Stage(Path(folder)).running() as stage:
                await stage.talk()
                return await stage.finish("far", "agent1")

    return asyncio.run(play())


@cache
def text() -> bytes:
    return b"".join(write_story(story_of(stored())))


def changed(line: int, change: Callable[[Document], object]) -> bytes:
    """The file with one line (from 1) changed."""
    lines = text().splitlines()
    document = json.loads(lines[line - 1])
    change(document)
    lines[line - 1] = json.dumps(document).encode()
    return b"\n".join(lines) + b"\n"


def refused(content: bytes) -> BadLog:
    with pytest.raises(BadLog) as caught:
        read_story(content)
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.requirement("S127")
def test_the_same_facts_lead_to_the_same_decisions() -> None:
    story = story_of(stored())
    result = replay(story)
    assert result.difference is None and result.decisions == sum(not line.derived for line in story.lines) > 10


@pytest.mark.requirement("S127")
def test_a_file_reads_back_as_what_was_written() -> None:
    assert read_story(text()) == story_of(stored())
    assert b"".join(write_story(read_story(text()))) == text()


def _alter(story: Story, number: int, **values: Any) -> Story:
    lines = [replace(line, **values) if line.number == number else line for line in story.lines]
    return replace(story, lines=tuple(lines))


@pytest.mark.requirement("S127")
@pytest.mark.parametrize("what", ["effects", "reasons", "state", "records", "missing"])
def test_the_first_difference_is_found_and_located(what: str) -> None:
    story = story_of(stored())
    place = next(index for index, line in enumerate(story.lines) if line.type == "recording_requested") - 1
    fact, derived = story.lines[place], story.lines[place + 1]
    assert fact.decision
    state = fact.decision["state"] | {"recording": "none"}
    match what:
        case "records":
            story = _alter(story, derived.number, data={"recording_id": "another"})
        case "missing":
            story = replace(story, lines=tuple(line for line in story.lines if line != derived))
        case "state":
            story = _alter(story, fact.number, decision={**fact.decision, "state": state})
        case _:
            story = _alter(story, fact.number, decision={**fact.decision, what: []})
    found = replay(story).difference
    assert found and found.line == fact.number and found.what == ("records" if what == "missing" else what)
    assert found.stored != found.now


def test_a_what_if_shows_what_another_call_type_would_have_done() -> None:
    story = story_of(stored())
    never = replace(story.call_type, agents=())
    assert (found := replay(story, never).difference) is None or found.line > 1
    silent = replay(story, replace(story.call_type, on_withdrawal=OnWithdrawal.KEEP))
    assert silent.difference is None
    gap = replay(story, replace(story.call_type, mode=Mode.NEVER)).difference
    assert gap and gap.line == 1


# ---------------------------------------------------------------- wrong files
@pytest.mark.requirement("S127")
@pytest.mark.parametrize(
    ("line", "change", "reason"),
    [
        (1, lambda row: row.pop("format"), "no header"),
        (1, lambda row: row.update(format="other.log"), "no header"),
        (1, lambda row: row.update(version=2), "written by a later callguard"),
        (1, lambda row: row.update(version=0), "no callguard wrote that"),
        (1, lambda row: row.update(version=True), "version: is missing or not int"),
        (1, lambda row: row.pop("policy"), "policy: is missing"),
        (1, lambda row: row.update(policy={"purpose": 3}), "purpose"),
        (1, lambda row: row.update(call_id="not-a-uuid"), "UUID"),
        (1, lambda row: row.update(extra=1), "extra: unknown"),
        (1, lambda row: row.update(rows=3), "truncated: 3 rows were written"),
        (2, lambda row: row.update(type="telepathy"), "'telepathy' is no fact"),
        (2, lambda row: row.update(seq=7), "seq 7 where 1 was expected"),
        (2, lambda row: row.update(at="yesterday"), "at: not a time"),
        (2, lambda row: row.update(at="2026-01-02T03:04:05"), "at: has no time zone"),
        (2, lambda row: row.update(decision=None), "decision: is missing"),
        (2, lambda row: row.pop("data"), "data: is missing"),
        (2, lambda row: row.update(more=1), "more: unknown"),
        (2, lambda row: row["data"].update(shoe=1), "shoe: unknown"),
        (2, lambda row: row["data"].update(answered="yes"), "answered: must be bool"),
        (2, lambda row: row["data"].update(faults=["gravity"]), "'gravity' is none of"),
        (3, lambda row: row.update(type="telepathy"), "'telepathy' is no record"),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(line: int, change: Callable[[Document], object], reason: str) -> None:
    found = refused(changed(line, change))
    assert found.line == (1 if "truncated" not in reason else len(text().splitlines())) or found.line == line
    assert reason in found.reason


@pytest.mark.requirement("S127")
def test_corrupt_and_truncated_files() -> None:
    lines = text().splitlines(keepends=True)
    assert refused(b"").reason == "empty"
    assert "truncated" in refused(text()[:-5]).reason and refused(text()[:-5]).line == len(lines)
    assert "truncated" in refused(b"".join(lines[:-1])).reason
    swapped = b"".join([*lines[:4], lines[5], lines[4], *lines[6:]])
    assert (refused(swapped).line, "out of order" in refused(swapped).reason) == (5, True)
    doubled = b"".join([*lines[:4], lines[3], *lines[4:]])
    assert refused(doubled).line == 5
    assert refused(b"".join([lines[0], b"\xff\xfe\n", *lines[2:]])).line == 2
    assert refused(b"".join([lines[0], b"[]\n", *lines[2:]])).reason == "not a JSON object"
    assert refused(b"\x7fELF" + text()).reason == "not JSON"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_bad_log(content: bytes) -> None:
    with pytest.raises(BadLog):
        read_story(content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_to_a_real_file_raises_anything_but_bad_log(data: st.DataObject) -> None:
    content = bytearray(text())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        replay(read_story(bytes(content)))
    except BadLog as problem:
        assert problem.line >= 1 and problem.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_value_in_a_real_file_raises_anything_but_bad_log(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(text().splitlines())))
    row = json.loads(text().splitlines()[number - 1])
    inner = data.draw(st.sampled_from([name for name in ("data", "policy") if name in row] or [""]))
    target = row[inner] if inner and data.draw(st.booleans()) and row[inner] else row
    key = data.draw(st.sampled_from(sorted(target)))
    value = data.draw(JSON)

    def change(document: Document) -> None:
        (document if target is row else document[inner])[key] = value

    try:
        replay(read_story(changed(number, change)))
    except BadLog as problem:
        assert problem.line >= 1 and problem.reason
