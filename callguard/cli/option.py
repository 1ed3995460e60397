"""Options that several commands share, and the adapters that they stand for.

What belongs here: from settings to adapters. What does not: any one command.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from callguard.cli.plain import config_option as config_option
from callguard.cli.plain import json_option as json_option
from callguard.engine.control import account_of
from callguard.errors import BadInput, CallguardError, Unreachable
from callguard.pbx.asterisk.site import AmiAddress, AriAddress, AsteriskSettings
from callguard.settings import Settings, load_settings
from callguard.store.keys import MasterKey, load_master_key
from callguard.store.postgres import PostgresLog

T = TypeVar("T")


def with_log(settings: Settings, work: Callable[[PostgresLog], Coroutine[Any, Any, T]]) -> T:
    """WORK over the event log, closed afterwards. Raises StoreDown where it cannot be reached."""

    async def opened() -> T:
        log = await PostgresLog.open(settings.database.url, master_key(settings))
        try:
            return await work(log)
        finally:
            await log.close()

    return asyncio.run(opened())


def account() -> str:
    """Who runs this command, as the operating system says."""
    return account_of(os.getuid())


def master_key(settings: Settings) -> MasterKey:
    """The master key, from the environment or its file."""
    return load_master_key(settings.path(settings.master_key))


def ami_address(settings: Settings, *, for_guard: bool = False) -> AmiAddress:
    """AMI as the controller, or as the guard, reaches it."""
    own = settings.on_asterisk
    user, secret = own.ami_user, own.ami_secret
    if for_guard and settings.guard.ami_user:
        user, secret = settings.guard.ami_user, settings.guard.ami_secret
    return AmiAddress(
        host=own.ami_host, port=own.ami_port, user=user, secret=secret, tls=tls_context() if own.ami_tls else None
    )


def asterisk_settings(settings: Settings) -> AsteriskSettings:
    """The adapter's settings."""
    own = settings.on_asterisk
    ari = AriAddress(url=own.ari_url.rstrip("/"), user=own.ari_user, password=own.ari_password, app=own.app)
    return AsteriskSettings(
        ari=ari,
        ami=ami_address(settings),
        recordings=settings.path(settings.recordings.directory),
        register=settings.data / "register.jsonl",
    )


def tls_context() -> Any:
    """TLS as this machine trusts it."""
    import ssl

    return ssl.create_default_context()


def ask_controller(settings: Settings, request: dict[str, Any]) -> dict[str, Any]:
    """One request to the running controller. Raises Unreachable when none runs, BadInput with its refusal, and
    CallguardError when the recorder did not obey.
    """
    return asyncio.run(_ask(settings.data / "control.sock", request))


async def _ask(socket: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        raise Unreachable(
            f"{socket}: no controller answers; is `callguard run` running with this configuration?"
        ) from None
    writer.write(json.dumps(request).encode() + b"\n")
    try:
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 10))
    except (OSError, ValueError):
        raise Unreachable(f"{socket}: the controller does not answer") from None
    finally:
        writer.close()
    if "error" in answer:
        raise (CallguardError if answer.get("finding") else BadInput)(str(answer["error"]))
    return answer


def show_json(value: Any) -> None:
    """VALUE as the one document on standard output."""
    click.echo(json.dumps(value, indent=2, default=str))


load = partial(load_settings)
