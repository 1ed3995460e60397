"""`callguard halt`: no recording of a call type, a number or anything, live calls included, until it is released.

What belongs here: the commands. What does not: what a halt covers and stops (engine/halt.py).
"""

from __future__ import annotations

from pathlib import Path

import click

from callguard.cli.option import ask_controller, config_option, json_option, load, show_json
from callguard.errors import BadInput
from callguard.text import is_utf8, printable


@click.group()
def halt() -> None:
    """Halts: nothing of a call type, a number, or at all is recorded, from now on and on live calls too."""


_reason = click.option("--reason", required=True, help="Why: it is kept sealed, in the register.")


@halt.command()
@click.option("--call-type", default="", metavar="NAME", help="Calls of this type.")
@click.option("--number", default="", metavar="NUMBER", help="Calls that come in by this number.")
@click.option("--everything", is_flag=True, help="Every call of this controller.")
@_reason
@config_option
@json_option
def place(call_type: str, number: str, everything: bool, reason: str, config: Path, as_json: bool) -> None:
    """Stop every recording that is meant, and let none begin. Calls go on. Answers when the last recorder has ended."""
    if sum((bool(call_type), bool(number), everything)) != 1:
        raise BadInput("say what to halt: one of --call-type, --number and --everything")
    if number and not any(char.isdigit() for char in number):
        raise BadInput(f"--number {number}: has no digit")
    _said(reason)
    request = {"do": "halt", "halt": "place", "call_type": call_type, "number": number, "reason": reason}
    answer = ask_controller(load(config), request)
    if as_json:
        return show_json(answer)
    ended = f"{len(answer['stopped'])} live call(s) unrecorded after {answer['milliseconds']} ms"
    click.echo(printable(f"{answer['halt_id']}: halted {_what(answer)}; {ended}"))


@halt.command()
@click.argument("halt_id", metavar="ID")
@_reason
@config_option
@json_option
def release(halt_id: str, reason: str, config: Path, as_json: bool) -> None:
    """Let calls that begin from now on be recorded again. Those that were stopped stay unrecorded."""
    _said(reason)
    answer = ask_controller(load(config), {"do": "halt", "halt": "release", "id": halt_id, "reason": reason})
    if as_json:
        return show_json(answer)
    click.echo(printable(f"{answer['halt_id']}: released {_what(answer)}"))


@halt.command("list")
@config_option
@json_option
def list_halts(config: Path, as_json: bool) -> None:
    """What is halted now."""
    answer = ask_controller(load(config), {"do": "halt", "halt": "list"})
    if as_json:
        return show_json(answer)
    for each in answer["halts"]:
        click.echo(printable(f"{each['halt_id']}  {each['at']}  {_what(each)}  by {each['operator']}"))
    click.echo(f"{len(answer['halts'])} halt(s)")


def _what(halt: dict[str, str]) -> str:
    if halt["number"]:
        return f"number {halt['number']}"
    return f"call type {halt['call_type']}" if halt["call_type"] else "everything"


def _said(reason: str) -> None:
    if not reason.strip() or not is_utf8(reason):
        raise BadInput("--reason must say something, in UTF-8")
