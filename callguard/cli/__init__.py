"""The command line: one module a noun, and the only place that chooses adapters. Exit status: contract in
docs/index.md.

A command's module is loaded when the command is called: most need neither the migrations nor a PBX.
"""

from __future__ import annotations

import errno
import io
import sys
from importlib import import_module

import click

from callguard import __version__
from callguard.cli.undumped import never_dumped
from callguard.errors import BadInput, CallguardError
from callguard.text import is_utf8, printable

COMMANDS = (
    "answers",
    "artefacts",
    "calls",
    "db",
    "demo",
    "doctor",
    "drift",
    "explain",
    "guard",
    "halt",
    "incidents",
    "init",
    "jobs",
    "legal-hold",
    "lint",
    "policy",
    "preflight",
    "prompts",
    "reconcile",
    "replay",
    "retention",
    "rule",
    "run",
    "scripts",
    "trim",
    "vault",
    "verify",
    "worker",
)
"""Each lies under its own name in the module of that name, a hyphen being an underscore there."""


class _Lazy(click.Group):
    """A group that knows the names of its commands, and loads one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"callguard.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Recording that is lawful at capture, stays lawful, and proves it."""
    never_dumped()


def _takes_no_more() -> bool:
    """Whether standard output leads to where no more can be written, as a file on a full disk is. One more line tells,
    even where nothing waits to be written. What does would be tried again at the very end: it is given up."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = io.StringIO()
        return True
    return False


def _sentence(error: CallguardError | UnicodeEncodeError | OSError) -> str:
    """What is wrong with what the user said; '' where that is not what is wrong."""
    if isinstance(error, UnicodeEncodeError):  # how a byte that is no UTF-8 shows once it is to be looked for
        wrong = (number for number, text in enumerate(sys.argv) if not is_utf8(text))
        return f"argument {number}: is not UTF-8" if (number := next(wrong, 0)) else ""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"{str(error.filename)[:60]}...: {error.strerror}"
    if isinstance(error, OSError):
        return f"standard output: cannot be written: {error.strerror}" if _takes_no_more() else ""
    return str(error)


def main() -> None:
    """Run a command; our errors become one message and an exit status: 1 a finding, 2 bad input, 3 not reachable."""
    try:
        status = cli(standalone_mode=False)  # what a command gave to Context.exit
    except (CallguardError, UnicodeEncodeError, OSError) as error:
        if not (said := _sentence(error)):
            raise
        click.echo("\n".join(map(printable, f"callguard: {said}".split("\n"))), err=True)
        sys.exit(error.exit_code if isinstance(error, CallguardError) else BadInput.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
