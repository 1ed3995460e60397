"""All rules at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.lint.examine import Options
from callguard.lint.freeswitch.examine import lint
from tests.lint.freeswitch.site import BRIDGE, RECORD_ALL, SNIPPET, context, extension, written


def test_findings_come_by_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, context(extension(BRIDGE), extension(RECORD_ALL, "^2$", "b")))
    report = lint([path, SNIPPET])
    assert [finding.place.line for finding in report.findings] == sorted(each.place.line for each in report.findings)
    assert (len(report.files), report.contexts) == (2, 2)


def test_an_entry_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="--entry nowhere"):
        lint([SNIPPET], Options(entries=("nowhere",)))


def test_a_configuration_like_the_shipped_one_of_freeswitch(tmp_path: Path) -> None:
    """A tree with includes, as freeswitch.xml has it: recorder on a key, transfers from public to default."""
    pre = '<X-PRE-PROCESS cmd="include" data="{}"/>'
    (tmp_path / "dialplan" / "public").mkdir(parents=True)
    (tmp_path / "freeswitch.xml").write_text(
        f'<document type="freeswitch/xml"><section name="dialplan">{pre.format("dialplan/*.xml")}</section></document>'
    )
    written(tmp_path / "dialplan", f'<context name="public">{pre.format("public/*.xml")}</context>')
    to = '<action application="transfer" data="$1 XML default"/>'
    written(tmp_path / "dialplan" / "public", extension(to, r"^(1\d\d)$"), name="did.xml")
    meta = '<action application="bind_meta_app" data="2 b s record_session::/a.wav"/>'
    written(tmp_path / "dialplan", context(extension(meta + BRIDGE), name="default"), name="default.xml")
    said = [(finding.rule, Path(finding.place.file).name) for finding in lint([tmp_path]).findings]
    assert said == [("bypass", "default.xml"), ("one-touch", "default.xml")]
