"""`callguard demo`: five real calls, and a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import click
from rich.console import Console
from rich.table import Table

from callguard.cli.option import json_option, show_json
from callguard.lab.demo import Told, run_demo
from callguard.lab.freeswitch import find_freeswitch
from callguard.lab.freeswitch_stand import FreeSwitchStand
from callguard.lab.stand import Stand

NAMES = {"asterisk": "Asterisk", "freeswitch": "FreeSWITCH"}


@click.command()
@click.option(
    "--pbx",
    type=click.Choice(tuple(NAMES)),
    default="asterisk",
    show_default=True,
    help="FreeSWITCH: this machine's own.",
)
@click.option("--keep", is_flag=True, help="Leave everything up, and say how to register a softphone.")
@json_option
@click.pass_context
def demo(context: click.Context, pbx: str, keep: bool, as_json: bool) -> None:
    """Five real calls to a real PBX: told, asked, recorded or left alone, and proved. Needs no server.

    The exit status is the verdict: 0 when every promise was kept.
    """
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    if pbx == "freeswitch":
        find_freeswitch()
    console.print(f"callguard demo: starting Postgres, {NAMES[pbx]} and callguard; then five calls side by side")

    async def kept(stand: Stand) -> None:
        _explain(console, stand)
        await _interrupted()

    told = asyncio.run(run_demo(console.print, keep=keep, kept=kept, freeswitch=pbx == "freeswitch"))
    if as_json:
        show_json({"ok": all(item.ok for item in told), "calls": [item.document() for item in told]})
    else:
        _show(console, told)
    context.exit(0 if all(item.ok for item in told) else 1)


def _show(console: Console, told: list[Told]) -> None:
    table = Table("call", "caller", "verdict", "files", "rows", "audio", "silence removed")
    for item in told:
        table.add_row(*_row(item))
    console.print(table)
    for item in told:
        for name, fine in item.checks.items():
            if not fine:
                console.print(f"call {item.scene.number}: not so: {name}")
    if all(item.ok for item in told):
        console.print("Every promise was kept: the log, its replay and the audio agree.")
    console.print("Next: `callguard demo --keep` and call it yourself; docs/index.md loads callguard into your PBX.")


def _row(item: Told) -> tuple[str, ...]:
    figures = item.figures
    return (
        str(item.scene.number),
        item.scene.title,
        "as promised" if item.ok else "BROKEN",
        "\n".join(name[:8] + "…" + name[-9:] for name in item.files) or "none",
        str(item.rows),
        f"{figures['seconds']} s" if "seconds" in figures else item.scene.recording,
        f"{figures['silence removed']} s" if "silence removed" in figures else "-",
    )


def _explain(console: Console, stand: Stand) -> None:
    host, port = stand.server
    account = "no account, no registration"
    if not isinstance(stand, FreeSwitchStand):
        account = f"user softphone, password {stand.asterisk.softphone_password}"
    console.print(
        f"Left up. Softphone: {account}, server {host}:{port} (UDP)."
        " Call 101 to 105, or 200 (a queue): an agent answers and talks; press 1, 2, *7."
        f"\nLook: callguard calls list --stored --config {stand.config}\nEnd: Ctrl-C."
    )


async def _interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
