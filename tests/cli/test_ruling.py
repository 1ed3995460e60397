"""Tables of rules: nothing in them moves a terminal's cursor, and nothing is cut off."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

from callguard.cli import ruling
from callguard.core.difference import difference
from callguard.core.explain import answer
from callguard.core.question import read_question
from tests.core.law import PACK, TEXAS, document


def shown(show: object, *arguments: object) -> str:
    assert callable(show)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        show(*arguments)
    return out.getvalue()


def test_a_hostile_cell_is_shown_as_text() -> None:
    row = replace(PACK.rows["US-TX"], name="Te\x1b[31mxas", citation="[red]x[/red]", special=("a" * 200,))
    pack = replace(PACK, rows={**PACK.rows, "US-TX": row})
    found = answer(read_question(document("start", TEXAS)), pack)
    for text in (shown(ruling.show_answer, found), shown(ruling.show_row, row, [], pack)):
        assert "\x1b" not in text and "Te?[31mxas" in text and "[red]x[/red]" in text
    assert sum(line.count("a" * 10) for line in shown(ruling.show_answer, found).splitlines()) > 1
    gap = difference(PACK, pack)
    text = shown(ruling.show_difference, gap, {"share": None, "why": "none"})
    assert "US-TX: name: Texas -> Te?[31mxas" in text and "special: nothing -> aaa" in text
    assert max(map(len, shown(ruling.show_answer, found).splitlines())) <= ruling.WIDTH


def test_rows_that_one_pack_has_alone_and_area_codes() -> None:
    fewer = {code: row for code, row in PACK.rows.items() if code != "BR"}
    pack = replace(PACK, rows=fewer, npa={**PACK.npa, "212": "US-NJ"})
    share = {"share": 0.25, "changed": 1, "judged": 4, "days": 30, "why": ""}
    text = shown(ruling.show_difference, difference(PACK, pack), share)
    assert text == (
        "BR: removed\narea code 212: US-NY -> US-NJ\n1 jurisdiction(s) differ\n"
        "1 of 4 call(s) of the last 30 day(s) (25.0%) would have another demand\n"
    )
    assert "BR: added" in shown(ruling.show_difference, difference(pack, PACK), share)
