"""Dumps of FusionPBX."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.lint.freeswitch.dump import is_dump, read_dump
from callguard.lint.freeswitch.examine import lint
from tests.lint.freeswitch.site import SNIPPET

XML = '<extension name="{0}"><condition field="destination_number" expression="^1$">\\n{1}</condition></extension>'
BRIDGE, RECORD = '<action application="bridge" data="user/1"/>', '<action application="record_session" data="/a.wav"/>'
HEAD = (
    "COPY public.v_dialplans (dialplan_name, dialplan_context, dialplan_xml, dialplan_enabled, dialplan_order)"
    " FROM stdin;\n"
)
DUMP = (
    "--\n-- PostgreSQL database dump\n--\n"
    + HEAD
    + f"late\tpublic\t{XML.format('late', BRIDGE)}\ttrue\t200\n"
    + f"off\tpublic\t{XML.format('off', RECORD)}\tfalse\t10\n"
    + f"first\tpublic\t{XML.format('first', RECORD)}\ttrue\t5\n"
    + "\\.\n"
    + "COPY public.v_extensions (extension, user_record) FROM stdin;\n1000\t\\N\n1001\tall\n\\.\n"
    + "COPY public.v_call_center_queues (queue_name, queue_record_template) FROM stdin;\nq\t/a/${uuid}.wav\n\\.\n"
    + "COPY public.v_other (a) FROM stdin;\nx\n\\.\n"
)


def test_rows_are_contexts_in_the_order_in_which_they_are_served() -> None:
    assert is_dump(DUMP) and not is_dump("<include/>") and not is_dump("[general]\n")
    contexts = [node for node in read_dump(DUMP, "d.sql") if node.tag == "context"]
    assert [node.children[0].get("name") for node in contexts] == ["first", "late"]
    assert str(contexts[0].children[0].children[0].place) == "d.sql:7"


def test_findings_name_the_row(tmp_path: Path) -> None:
    path = tmp_path / "fusionpbx.sql"
    path.write_text(DUMP)
    said = {(finding.rule, finding.place.line) for finding in lint([path, SNIPPET]).findings}
    assert {("recorder", 8), ("recorder", 11), ("queue-records", 14)} <= said


def test_a_csv_with_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "v_dialplans.csv"
    xml = XML.format("own", RECORD).replace("\\n", "\n").replace('"', '""')
    path.write_text(f'dialplan_name,dialplan_context,dialplan_xml,dialplan_enabled\nown,public,"{xml}",true\n')
    assert ("recorder", 3) in {(finding.rule, finding.place.line) for finding in lint([path]).findings}


def test_a_csv_that_is_none_and_a_row_that_is_no_xml_are_refused() -> None:
    with pytest.raises(BadInput, match=r"d\.csv:2: not CSV"):
        read_dump(f"dialplan_name,dialplan_xml\nx,{'y' * 200_000}\n", "d.csv")
    with pytest.raises(BadInput, match=r"d\.sql:2: not XML"):
        read_dump(HEAD + "x\tpublic\t<a>\ttrue\t1\n\\.\n", "d.sql")


def test_a_row_that_holds_its_own_context_is_taken_as_it_is() -> None:
    row = 'x\tpublic\t<context name="lab"><extension name="a"/></context>\ttrue\t\n'
    (node,) = read_dump(HEAD + row, "d.sql")
    assert node.get("name") == "lab"
