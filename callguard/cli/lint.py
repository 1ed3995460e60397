"""`callguard lint`: configuration of the PBX, looked through as text, without a PBX."""

from __future__ import annotations

from pathlib import Path

import click

from callguard.cli.option import json_option, show_json
from callguard.core.policy import parse_policy
from callguard.core.profile import AGENT_KEYS, PAUSE, WITHDRAW
from callguard.lint.choice import lint as examine
from callguard.lint.examine import Options, Report
from callguard.lint.finding import Finding, Severity
from callguard.settings import read_toml
from callguard.text import printable


@click.group()
def lint() -> None:
    """Look through the PBX's configuration, as text."""


@lint.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--entry", "entries", multiple=True, metavar="CONTEXT", help="Where calls come in; may be repeated.")
@click.option("--etc-dir", type=click.Path(path_type=Path), help="What #include starts from, as /etc/asterisk.")
@click.option("--policy", type=click.Path(path_type=Path), help="policy.toml: are its call types the ones named?")
@click.option("--withdraw", default=WITHDRAW, show_default=True, help="Keys of the withdrawal.")
@click.option("--pause", default=PAUSE, show_default=True, help="Keys of pause and resume.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEYS",
    default=AGENT_KEYS,
    show_default=True,
    help="Further keys of the agent; may be repeated. With --policy all keys are those of its call types.",
)
@click.option("--strict", is_flag=True, help="Also name what cannot be seen into: scripts, other applications of ARI.")
@json_option
@click.pass_context
def dialplan(
    context: click.Context,
    paths: tuple[Path, ...],
    entries: tuple[str, ...],
    etc_dir: Path | None,
    policy: Path | None,
    withdraw: str,
    pause: str,
    keys: tuple[str, ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Find recorders outside of callguard, and ways around its notice, in a dialplan.

    PATH is extensions.conf, or the folder that holds it; features.conf, queues.conf, confbridge.conf, agents.conf and
    voicemail.conf are looked through too. Of FreeSWITCH: the folder of freeswitch.xml, a file of XML, or a dump of
    FusionPBX's database. Exit status: 0 clean, 1 a finding, 2 not readable.
    """
    kinds = parse_policy(read_toml(policy), str(policy)).call_types if policy else None
    own = {sequence for kind in (kinds or {}).values() for sequence in kind.sequences.values()}
    sequences = tuple(sorted(own)) if own else (withdraw, pause, *keys)
    report = examine(paths, Options(entries, etc_dir, frozenset(kinds) if kinds else None, sequences, strict))
    if as_json:
        show_json(document(report))
    else:
        click.echo(text(report))
    context.exit(1 if report.findings else 0)


def document(report: Report) -> dict[str, object]:
    """REPORT as JSON."""
    findings = [finding.as_data() for finding in report.findings]
    return {"findings": findings, "files": len(report.files), "contexts": report.contexts}


def text(report: Report) -> str:
    """REPORT for a terminal: a finding in two lines, and the sum."""
    blockers = sum(finding.severity is Severity.BLOCKER for finding in report.findings)
    lines = [line for finding in report.findings for line in _lines(finding)]
    rest = len(report.findings) - blockers
    result = f"{blockers} blocker(s), {rest} warning(s)" if lines else "nothing found"
    return "\n".join([*lines, f"{len(report.files)} file(s), {report.contexts} context(s): {result}"])


def _lines(finding: Finding) -> list[str]:
    head = f"{finding.place}: {finding.severity} [{finding.rule}] {finding.text}"
    return [printable(head), printable(f"    instead: {finding.fix}")]
