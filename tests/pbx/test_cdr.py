"""The PBX's books: what is a leg in them, and what is no book."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.pbx.cdr import Leg, read_cdr, read_cel

CDR = """\
"","+15125550143","support_3","inbound","""
CDR += '''"""O'Hara"" <+15125550143>","PJSIP/caller-00000000","PJSIP/agent3-00000001","Dial","PJSIP/3,30",'''
CDR += """"2026-11-26 02:00:01","2026-11-26 02:00:01","2026-11-26 02:00:09",8,8,"ANSWERED","OMIT","1795917601.0",""
"","+15125550143","h","inbound","x","PJSIP/caller-00000000","","NoOp","","2026-11-26 02:00:09","","""
CDR += """"2026-11-26 02:00:09",0,0,"NO ANSWER","DOCUMENTATION","1795917601.0",""
"","602","601","internal","x","PJSIP/agent2-00000002","","Dial","","2026-11-26 02:01:00","","""
CDR += """"2026-11-26 02:01:05",5,0,"BUSY","DOCUMENTATION","pbx-1795917660.2",""
"""
BORN = datetime.fromtimestamp(1795917601, UTC)


def book(folder: Path, text: str) -> Path:
    path = folder / "Master.csv"
    path.write_text(text)
    return path


@pytest.mark.requirement("S118")
def test_asterisks_cdr_has_a_channel_once_however_many_rows_it_has(tmp_path: Path) -> None:
    first, second = read_cdr(book(tmp_path, CDR), "asterisk")
    assert first == Leg("1795917601.0", BORN, True, "inbound", "", "support_3")
    assert (second.channel_id, second.answered, second.context) == ("pbx-1795917660.2", False, "internal")
    assert second.started_at == datetime.fromtimestamp(1795917660, UTC)
    assert "+1512" not in repr(first) and "support_3" not in repr(first)


@pytest.mark.requirement("S118")
def test_asterisks_cel_knows_what_belongs_together(tmp_path: Path) -> None:
    def row(kind: str, unique: str) -> str:
        words = [kind, "1795917601.25", "", "", "", "", "", "support_3", "inbound", "c", "", "", "3", "", unique]
        return ",".join(f'"{word}"' for word in [*words, "1795917601.0", "", "", "", ""]) + "\n"

    text = row("CHAN_START", "1795917601.0") + row("ANSWER", "1795917601.0") + row("CHAN_START", "1795917602.1")
    first, second = read_cel(book(tmp_path, text))
    assert (first.answered, first.linked_id, first.context, first.dialled) == (
        True,
        "1795917601.0",
        "inbound",
        "support_3",
    )
    assert (second.answered, second.linked_id) == (False, "1795917601.0")


@pytest.mark.requirement("S118")
@pytest.mark.parametrize("answer", ["2026-11-26 02:00:03", ""])
def test_freeswitchs_default_template_and_a_line_of_names(tmp_path: Path, answer: str) -> None:
    row = f'"x","+15125550143","5000","public","2026-11-26 02:00:01","{answer}","2026-11-26 02:00:09","8","6","NORMAL"'
    row += ',"8f0e8f6e-0000-4000-8000-000000000001","","","PCMU","PCMU"\n'
    named = "uuid,start_stamp,answer_stamp,destination_number\n"
    named += f"8f0e8f6e-0000-4000-8000-000000000001,2026-11-26 02:00:01,{answer},5000\n"
    for text in (row, named):
        (leg,) = read_cdr(book(tmp_path, text), "freeswitch")
        assert leg.channel_id == "8f0e8f6e-0000-4000-8000-000000000001" and leg.answered is bool(answer)
        assert leg.started_at == datetime.fromisoformat("2026-11-26 02:00:01").astimezone(UTC)
        assert leg.dialled == "5000"


def test_a_moment_may_be_seconds_since_1970(tmp_path: Path) -> None:
    (leg,) = read_cdr(book(tmp_path, "uniqueid,start,disposition\nabc,1795917601,ANSWERED\n"), "asterisk")
    assert leg.started_at == BORN and leg.answered


def test_a_row_that_its_pbx_died_over_is_left_out(tmp_path: Path) -> None:
    assert len(read_cdr(book(tmp_path, CDR + CDR[:90]), "asterisk")) == 2
    assert read_cdr(book(tmp_path, ""), "asterisk") == []


@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
@pytest.mark.parametrize(
    "text",
    [
        "not,a,book\n",
        CDR.replace("1795917601.0", "").replace("pbx-1795917660.2", ""),
        CDR.replace("1795917601.0", "x").replace("2026-11-26", "yesterday"),
        CDR.replace("1795917601.0", "x").replace("2026-11-26 02:00:01", "2026-13-26 02:00:01"),
        'x\n"' + "y" * 140_000 + '"\n',
    ],
)
def test_what_is_no_book_is_refused_by_its_line(tmp_path: Path, text: str, kind: str) -> None:
    with pytest.raises(BadInput, match=r"Master\.csv: line [0-9]+: "):
        read_cdr(book(tmp_path, text), kind)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.csv: "):
        read_cel(tmp_path / "nothing.csv")


@pytest.mark.requirement("S118")
def test_a_channel_that_whispers_for_a_program_is_no_leg(tmp_path: Path) -> None:
    whispers = CDR.replace("PJSIP/caller-00000000", "Snoop/1795917600.0-00000001")
    assert [leg.channel_id for leg in read_cdr(book(tmp_path, whispers), "asterisk")] == ["pbx-1795917660.2"]


@pytest.mark.requirement("S118")
def test_two_books_say_more_of_a_channel_than_one() -> None:
    whole = Leg("1.0", BORN, False, "inbound").with_more_of(Leg("1.0", BORN, True, "", "1.0", "911"))
    assert whole == Leg("1.0", BORN, True, "inbound", "1.0", "911")


@pytest.mark.requirement("S118")
def test_a_last_row_that_was_cut_within_its_id_is_no_leg(tmp_path: Path) -> None:
    cut = CDR[: CDR.index("95917660.2")]
    assert [leg.channel_id for leg in read_cdr(book(tmp_path, cut), "asterisk")] == ["1795917601.0"]


@pytest.mark.requirement("S118")
def test_a_mark_of_its_encoding_and_a_callers_line_separator_break_no_book(tmp_path: Path) -> None:
    text = "\ufeffuniqueid,start,disposition,clid\n1795917601.0,,ANSWERED,a\u2028b\n"
    assert [leg.channel_id for leg in read_cdr(book(tmp_path, text), "asterisk")] == ["1795917601.0"]


@pytest.mark.requirement("S118")
@pytest.mark.parametrize("start", ["1795917601000000", "\u00b2", "0000-00-00 00:00:00"])
def test_a_moment_that_there_is_not_is_told_of_with_its_line(tmp_path: Path, start: str) -> None:
    with pytest.raises(BadInput, match="line 2: its start is neither"):
        read_cdr(book(tmp_path, f"uniqueid,start,disposition\na-b,{start},ANSWERED\n"), "asterisk")


def test_a_last_row_that_nothing_is_missing_from_counts_without_the_end_of_its_line(tmp_path: Path) -> None:
    assert read_cdr(book(tmp_path, CDR.rstrip("\n")), "asterisk") == read_cdr(book(tmp_path, CDR), "asterisk")


@pytest.mark.requirement("S118")
def test_a_channel_whose_id_a_program_chose_is_dated_by_a_stamp_with_a_fraction(tmp_path: Path) -> None:
    (leg,) = read_cel(book(tmp_path, "uniqueid,eventtime,eventtype\nchosen,1795917601.978724,ANSWER\n"))
    assert leg == Leg("chosen", BORN, True)


NOTHING_SAID = "no unique id, or no disposition, where"


@pytest.mark.requirement("S118")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # cdr_custom's own sample, a Master.csv too: clid first, the id where cdr_csv has it, dispositions one before
        (CDR.replace('"",', "", 1).replace('"OMIT",', '"OMIT","",', 1), f"line 1: {NOTHING_SAID}"),
        ("uniqueid,start,disposition\n1795917601.0,,8\n", f"line 2: {NOTHING_SAID}"),
        ("uniqueid,eventtime,eventtype\n1795917601.0,,ANSWER\n", f"line 1: {NOTHING_SAID}"),
        ("\x1f\x8b\x08\x00packed", "no text"),
    ],
)
def test_a_book_that_does_not_say_who_answered_is_not_one_where_nobody_did(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        read_cdr(book(tmp_path, text), "asterisk")


@pytest.mark.requirement("S118")
@pytest.mark.parametrize(
    "text",
    [
        CDR.replace("+15125550143", "5125550143").replace("2026-11-26", "1795917601"),
        "uniqueid,eventtime,eventtype\n1795917601.0,,4\n",
        "uniqueid,start,disposition\n1795917601.0,,ANSWERED\n",
    ],
)
def test_a_cdr_or_events_by_number_are_no_cel(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="not as cel_custom's sample writes it"):
        read_cel(book(tmp_path, text))


@pytest.mark.requirement("S118")
def test_an_export_of_freepbxs_table_and_one_that_has_no_moment(tmp_path: Path) -> None:
    named = "calldate,clid,dst,dcontext,disposition,uniqueid,linkedid\n"
    named += '2026-11-26 02:00:01,"x",100,from-internal,ANSWERED,1795917601.0,1795917601.0\n'
    assert read_cdr(book(tmp_path, named), "asterisk") == [
        Leg("1795917601.0", BORN, True, "from-internal", "1795917601.0", "100")
    ]
    for never in ("NULL", "\\N", "0000-00-00 00:00:00"):
        (leg,) = read_cdr(book(tmp_path, f"uniqueid,start,answer\n1795917601.0,,{never}\n"), "asterisk")
        assert not leg.answered
