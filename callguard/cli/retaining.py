"""From settings to what is kept and for how long: deletions, retention, legal holds.

What belongs here: composing. What does not: workers (bench.py), the commands (retention.py, legal_hold.py).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from callguard.cli.keeper import incidents_of, rows, shelf_of
from callguard.cli.option import master_key, with_log
from callguard.core.policy import Policy, parse_policy
from callguard.engine import clock
from callguard.engine.alerts import alert
from callguard.errors import CallguardError
from callguard.jobs.deletion import Deletion
from callguard.jobs.retention import Retainer
from callguard.settings import Settings
from callguard.store.activation import newest
from callguard.store.artefact import Artefacts
from callguard.store.hold import Holds
from callguard.store.retention import Retention


def deletion_of(settings: Settings, artefacts: Artefacts) -> Deletion:
    """Deletes from this site's vault."""
    return Deletion(artefacts, shelf_of(settings), lambda: clock.read().wall)


def retainer_of(settings: Settings, artefacts: Artefacts) -> Retainer:
    """Deletes what is over, after the policy that is in force."""
    retention = Retention(artefacts, settings.tenant, master_key(settings))
    return Retainer(
        retention,
        deletion_of(settings, artefacts),
        incidents_of(settings, artefacts, alert),
        lambda: policy_in_force(settings),
    )


def policy_in_force(settings: Settings) -> Policy | None:
    """What the register says; None where nothing was ever put into force."""
    last = newest(with_log(settings, lambda log: log.activations(settings.tenant)), "policy")
    return parse_policy(last.content, "the register") if last else None


def ends_sooner(settings: Settings, policy: Policy) -> int:
    """How much of what is stored would end sooner under POLICY. Raises StoreDown."""
    with rows(settings) as artefacts:
        return sum(change.shortens for change in retainer_of(settings, artefacts).changes(policy))


def holds_of(settings: Settings, artefacts: Artefacts) -> Holds:
    """This site's legal holds."""
    return Holds(artefacts, settings.tenant, master_key(settings))


async def watch_retention(settings: Settings, every: float = 3600.0) -> None:
    """Until cancelled: that no run came for a day is an incident, though no worker should be there to say so."""

    def look() -> None:
        with suppress(CallguardError), rows(settings) as artefacts:
            retainer_of(settings, artefacts).tell_missed()

    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(look)
