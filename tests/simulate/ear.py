"""Who listens in a simulated world: somebody hears a channel of a call, and no bridge says so.

What belongs here: who listens to whom, and until when. What does not: what the PBX says of it (exchange.py).

Ears have a chance of their own, and most worlds have none: nothing else that happens hangs on who might have listened.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, TypeVar

from callguard.core.word import Role
from tests.simulate.party import Party
from tests.simulate.plot import MOST_PARTIES, PLACES, TEMPERS

if TYPE_CHECKING:
    from tests.simulate.plot import Plot

T = TypeVar("T")
SHARE = (0.12, 0.5)
"""Part of the worlds with one call, and with two, in which somebody listens."""
MOST = 3
AGAIN = 0.2
"""Part of the listeners who are there already."""


def plan(plot: Plot, chance: Random) -> None:
    """What will be listened to in this world, if anything."""
    if chance.random() >= SHARE[len(plot.calls) > 1]:
        return
    for _ in range(1 + int(chance.random() * MOST)):
        plot.after(0.2 + chance.random() * plot.ends_at, _begins, plot, chance)


def _begins(plot: Plot, chance: Random) -> None:
    """Somebody listens to somebody who is there."""
    there = [one for one in plot.there.parties.values() if one.alive and not one.waiting and not one.listens]
    heard = [one for one in there if one.owner in plot.calls and one.role is not Role.PLUMBING]
    if not heard or sum(one.alive for one in plot.there.parties.values()) >= MOST_PARTIES:
        return
    target = _one(chance, heard)
    mates = [one for one in there if one.owner == target.owner and one is not target]
    idle = [one for one in mates if one.role is Role.GUEST and not one.bridge]
    if idle and chance.random() < AGAIN:
        who = _one(chance, idle).channel_id
    else:
        who = f"ear{len(plot.there.parties)}"
        plot.tempers[who], place = _one(chance, TEMPERS), _one(chance, PLACES)
        plot.there.create(Party(who, Role.GUEST, place, f"PJSIP/{who}-{len(who):08x}", owner=target.owner))
        plot.there.answer(who)
    plot.world.book.note("ear", who, target.channel_id)
    plot.there.listen(who, target.channel_id)
    plot.after(0.01 + chance.random() * 8.0, _ends, plot, chance, who)


def _ends(plot: Plot, chance: Random, who: str) -> None:
    """It has heard enough: it goes, stays on its own, or comes into the conversation."""
    target = plot.there.parties[who].listens
    plot.there.unlisten(who)
    fate = chance.random()
    if fate < 0.3 and target and plot.there.parties[target].bridge:
        plot.there.join(who, plot.there.parties[target].bridge)
    elif fate < 0.8:
        plot.there.hang_up(who)


def _one(chance: Random, among: Sequence[T]) -> T:
    return among[int(chance.random() * len(among))]
