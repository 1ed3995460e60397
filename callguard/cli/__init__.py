"""The command line: one module a noun, and the only place that chooses adapters. Exit status: contract in
docs/index.md."""

from __future__ import annotations

import sys

import click

from callguard import __version__
from callguard.cli.answers import answers
from callguard.cli.calls import calls
from callguard.cli.db import db
from callguard.cli.demo import demo
from callguard.cli.doctor import doctor
from callguard.cli.guard import guard
from callguard.cli.init import init
from callguard.cli.lint import lint
from callguard.cli.policy import policy
from callguard.cli.preflight import preflight
from callguard.cli.prompts import prompts
from callguard.cli.replay import replay
from callguard.cli.rule import rule
from callguard.cli.run import run
from callguard.cli.scripts import scripts
from callguard.cli.trim import trim
from callguard.cli.verify import verify
from callguard.errors import CallguardError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Recording that is lawful at capture, stays lawful, and proves it."""


for command in (
    answers,
    calls,
    db,
    demo,
    doctor,
    guard,
    init,
    lint,
    policy,
    preflight,
    prompts,
    replay,
    rule,
    run,
    scripts,
    trim,
    verify,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; our errors become one message and an exit status: 1 a finding, 2 bad input, 3 not reachable."""
    try:
        status = cli(standalone_mode=False)  # what a command gave to Context.exit
    except CallguardError as error:
        click.echo(f"callguard: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
