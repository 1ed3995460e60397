"""voicemail.conf: whether what is recorded leaves by mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import lint
from callguard.lint.freeswitch.examine import lint as lint_switch
from tests.lint.plan import written

BOX = "[default]\n100 => 1234,A Name,a@example.com,,{}\n"


def judged(folder: Path, text: str) -> list[tuple[str, str, int]]:
    report = lint([written(folder, text, "voicemail.conf")])
    return [(each.rule, each.severity, each.place.line) for each in report.findings]


@pytest.mark.requirement("S97")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BOX.format("saycid=no|attach=yes|delete=no"), 2),  # as FreePBX writes it
        (BOX.format(""), 2),
        ("[general]\nattach = yes\n" + BOX.format("tz=eu"), 4),
        ("[general]\nattach = no\n" + BOX.format("attach=yes"), 4),
        ("[default]\n100 => 1234,A Name,a@example.com\n", 2),
    ],
)
def test_a_mailbox_that_attaches_its_messages_is_found(tmp_path: Path, text: str, line: int) -> None:
    assert judged(tmp_path, text) == [("mailed", "warning", line)]


@pytest.mark.requirement("S97")
@pytest.mark.parametrize(
    "text",
    [
        BOX.format("saycid=no|attach=no"),
        "[general]\nattach = no\n" + BOX.format(""),
        "[default]\n100 => 1234,A Name,,,attach=yes\n",
        "[general]\nserveremail = pbx@example.com\nattach = yes\n",
        "[zonemessages]\neu = Europe/Berlin,x,a@b\n",
    ],
)
def test_one_that_only_tells_of_them_or_sends_nothing_is_fine(tmp_path: Path, text: str) -> None:
    assert judged(tmp_path, text) == []


@pytest.mark.requirement("S97")
@pytest.mark.parametrize(("value", "found"), [("true", ["mailed"]), ("false", [])])
def test_freeswitch_and_fusionpbx_too(tmp_path: Path, value: str, found: list[str]) -> None:
    user = f'<user id="100"><params><param name="vm-attach-file" value="{value}"/></params></user>'
    (tmp_path / "directory.xml").write_text(f"<include>{user}</include>")
    assert [each.rule for each in lint_switch([tmp_path / "directory.xml"]).findings] == found
    row = {"true": "attach", "false": "link"}[value]
    (tmp_path / "dump.sql").write_text(
        "COPY public.v_voicemails (voicemail_uuid, voicemail_file) FROM stdin;\n" + f"1\t{row}\n" + "\\.\n"
    )
    assert [each.rule for each in lint_switch([tmp_path / "dump.sql"]).findings] == found
