"""Which PBX, by looking at the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.lint.choice import is_freeswitch, lint
from tests.lint.freeswitch.site import SNIPPET
from tests.lint.plan import SNIPPET as ASTERISK


def test_files_say_whose_they_are(tmp_path: Path) -> None:
    assert is_freeswitch(SNIPPET) and is_freeswitch(SNIPPET.parent) and not is_freeswitch(ASTERISK)
    assert not is_freeswitch(ASTERISK.parent) and not is_freeswitch(tmp_path / "none")
    (tmp_path / "a").write_text("\n <include/>")
    assert is_freeswitch(tmp_path / "a")


def test_a_folder_of_freeswitch_may_hold_an_extensions_conf(tmp_path: Path) -> None:
    (tmp_path / "extensions.conf").write_text("[x]\n")
    assert not is_freeswitch(tmp_path)
    (tmp_path / "freeswitch.xml").write_text("<document/>")
    assert is_freeswitch(tmp_path)


def test_dumps_and_deep_folders(tmp_path: Path) -> None:
    assert not is_freeswitch(tmp_path)
    (tmp_path / "d.sql").write_text("COPY public.v_dialplans (dialplan_xml) FROM stdin;\n\\.\n")
    assert is_freeswitch(tmp_path) and is_freeswitch(tmp_path / "d.sql")


def test_each_is_looked_through_by_its_own_rules() -> None:
    assert len(lint([SNIPPET]).files) == 1 and len(lint([ASTERISK]).files) == 1
    with pytest.raises(BadInput, match="one PBX at a time"):
        lint([SNIPPET, ASTERISK])
