"""Which PBX this site has: its adapter for the controller, and the guard's own link to it.

What belongs here: from settings to one of two adapters. What does not: what the commands do with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from callguard.cli.option import ami_address, asterisk_settings, tls_context
from callguard.errors import BadInput
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.pbx.asterisk.rescue import AsteriskRescue
from callguard.pbx.freeswitch.pbx import FreeSwitchPbx
from callguard.pbx.freeswitch.rescue import FreeSwitchRescue
from callguard.pbx.freeswitch.site import (
    DIGIT_SOURCES,
    IN_BAND,
    EslAddress,
    FreeSwitchSettings,
    is_loopback,
    password_problem,
)
from callguard.ports import Pbx, Rescue
from callguard.settings import Settings


def esl_address(settings: Settings) -> EslAddress:
    """FreeSWITCH's event socket. Raises BadInput for a password that everybody knows, where everybody can reach it."""
    own = settings.on_freeswitch
    problem = password_problem(own.host, own.password)
    if problem and not is_loopback(own.host):
        raise BadInput(f"freeswitch.password: {problem}")
    return EslAddress(host=own.host, port=own.port, password=own.password, tls=tls_context() if own.tls else None)


def freeswitch_settings(settings: Settings) -> FreeSwitchSettings:
    """The adapter's settings."""
    own = settings.on_freeswitch
    host, _, port = own.listen.rpartition(":")
    return FreeSwitchSettings(
        esl=esl_address(settings),
        recordings=settings.path(settings.recordings.directory),
        register=settings.data / "register.jsonl",
        listen=host.strip("[]"),
        listen_port=int(port),
        digits=(*DIGIT_SOURCES, IN_BAND) if own.in_band_digits else DIGIT_SOURCES,
    )


def pbx_of(settings: Settings) -> Pbx:
    """The adapter of the PBX that the settings name. Call it inside a running event loop."""
    if settings.pbx.kind == "freeswitch":
        return FreeSwitchPbx(freeswitch_settings(settings))
    return AsteriskPbx(asterisk_settings(settings))


def rescue_of(settings: Settings) -> Callable[[], Awaitable[Rescue]]:
    """How the guard makes its own link to that PBX."""
    if settings.pbx.kind == "freeswitch":
        return partial(FreeSwitchRescue.connect, esl_address(settings))
    return partial(AsteriskRescue.connect, ami_address(settings, for_guard=True), settings.on_asterisk.app)
