"""How a call begins: its head, its first fact, and what is looked up meanwhile.

What belongs here: everything that is known about a call before its first prompt. What does not: who belongs to it
(switchboard.py), what comes of it (core/).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Protocol

from callguard.core.call import Call, Channel, open_call
from callguard.core.consent import Standing
from callguard.core.events import CallMerged, CallStarted, Link, PartyIdentified, Remembered, Role
from callguard.core.jurisdiction import RulePack
from callguard.core.keypad import begun as typed_so_far
from callguard.core.policy import UNKNOWN, CallType, Mode, Policy
from callguard.core.purpose import Trigger
from callguard.engine import clock
from callguard.engine.place import Places
from callguard.ports import CallRow, Endpoint, Entered, Found
from callguard.store.chain import head_digest

DIRECTIONS = ("inbound", "outbound", "internal")
LOOK_UP_SECONDS = 0.3
"""How long a look-up may take: later is unknown."""


class LookUp(Protocol):
    """Somebody who may know more about a party."""

    def concerns(self, who: Endpoint, call_type: CallType, direction: str) -> bool:
        """Whether it is asked about WHO at all: a call that nobody is asked about does not wait."""

    async def __call__(self, who: Endpoint, call_type: CallType) -> Found:
        """What it knows of WHO. Raises OSError, or TimeoutError, when there is no answer."""


@dataclass(frozen=True)
class Site:
    """Where we are: identities that every row carries. `least_privilege`: the dialplan starts the recorders."""

    tenant: str
    pbx_id: str
    least_privilege: bool = False


@dataclass(frozen=True)
class Begun:
    """A call that begins: its head and its rules, its first state and fact, and what to ask about its far party."""

    head: CallRow
    call: Call
    started: CallStarted
    look_ups: tuple[LookUp, ...]


@dataclass
class Entrance:
    """What a site knows when a call comes in. `look_ups`: who else is asked about the far party; `halted`: whether
    nothing is to be recorded of a call type, called by a number."""

    site: Site
    policy: Policy
    places: Places = field(default_factory=Places)
    look_ups: tuple[LookUp, ...] = ()
    halted: Callable[[str, str], bool] = lambda call_type, dialled: False

    def begin(self, heard: Entered, faults: Iterable[Link], *, dialled: bool = False) -> Begun:
        """The call that HEARD begins. FAULTS: what is missing now; `dialled`: a channel of the PBX called this one."""
        name, direction = _arguments(heard.args)
        found = self.policy.find(name) if direction in DIRECTIONS else None
        call_type, direction = found or UNKNOWN, direction if found else "inbound"
        internal, pack = direction == "internal", self.places.pack_on(heard.at.astimezone(UTC).date())
        place = self.places.of(heard.channel, Role.AGENT if internal else Role.FAR, call_type)
        language, chosen = self.places.language(heard.channel, place, call_type)
        head = self._head(heard, call_type, direction, pack)
        silent = (call_type.internal if internal else call_type.mode) is Mode.NEVER
        wrong_end = direction == "outbound" and not dialled and _by_agent(heard, call_type)
        halted = self.halted(call_type.name, heard.channel.words.get("dialled", ""))
        asked = () if silent or internal or wrong_end or halted else self.look_ups
        look_ups = tuple(one for one in asked if one.concerns(heard.channel, call_type, direction))
        started = CallStarted(
            at=heard.at,
            channel_id=heard.channel.channel_id,
            answered=heard.channel.answered,
            waiting=heard.waiting,
            direction=direction,
            known_call_type=found is not None,
            codes=place.codes,
            evidence=place.evidence,
            site=self.places.agents_of(call_type, heard.channel.words.get("site", "")).codes,
            pending=bool(look_ups),
            language=language,
            chosen=chosen,
            faults=tuple(sorted(faults)),
            head=head_digest(head),
            wrong_end=wrong_end,
            least_privilege=self.site.least_privilege,
            halted=halted,
            hushes=True,
            dialplan=heard.channel.words.get("dialplan", ""),
        )
        return Begun(head, open_call(head.call_id, call_type, pack), started, look_ups)

    def _head(self, heard: Entered, call_type: CallType, direction: str, pack: RulePack) -> CallRow:
        return CallRow(
            call_id=clock.uuid7(),
            call_month=heard.at.astimezone(UTC).date().replace(day=1),
            tenant=self.site.tenant,
            pbx_id=self.site.pbx_id,
            direction=direction,
            call_type=call_type.name,
            policy_version=self.policy.version,
            rule_pack=pack.version,
            policy=call_type.as_data(),
            started_at=heard.at,
            linked_id=_linked(heard),
        )

    def identified(self, event: PartyIdentified, who: Endpoint, call_type: CallType) -> PartyIdentified:
        """EVENT with where its party may be."""
        place = self.places.of(who, event.role, call_type)
        return replace(event, codes=place.codes, evidence=place.evidence)

    def visiting(self, event: CallMerged, who: Endpoint, call: Call, origin: Call | None) -> CallMerged:
        """EVENT with what ORIGIN, the call that WHO comes from, knows of it, and with where WHO sits if it is staff:
        wherever the type of one of both says."""
        places = [self.places.of(who, Role.AGENT, each.call_type) for each in (call, origin) if each]
        event = merged(event, call, origin)
        return replace(event, codes=tuple(sorted({code for place in places for code in place.codes})))

    async def look_up(self, begun: Begun, who: Endpoint) -> PartyIdentified:
        """What all look-ups told, within their time; what came too late says that nothing is known."""
        call_type = begun.call.call_type
        answers = await asyncio.gather(*(_asked(ask, who, call_type) for ask in begun.look_ups))
        told = [answer for answer in answers if answer is not None]
        placed = [found for found in told if found.place or found.line] or [Found()]  # who says nothing doubts nothing
        places = [self.places.of(who, Role.FAR, call_type, found) for found in placed]
        late = ("look_up_late",) * (len(told) < len(answers))
        codes = {code for place in places for code in place.codes} | ({"ZZ"} if late else set())
        evidence = tuple(dict.fromkeys(word for place in places for word in place.evidence)) + late
        return PartyIdentified(
            at=clock.read().wall,
            channel_id=who.channel_id,
            role=Role.FAR,
            codes=tuple(sorted(codes)),
            evidence=evidence,
            answer=_strictest(found.answer for found in told),
            known=any(found.known for found in told),
        )


def merged(event: CallMerged, call: Call, origin: Call | None) -> CallMerged:
    """EVENT, with what the party said in ORIGIN, the call that it comes from, as far as that says something of CALL,
    the sequence of keys that it is in the middle of, and whether its keys are kept out of files there. Where nobody
    knows they are."""
    known = origin.channels.get(event.channel_id) if origin else None
    typed = typed_so_far(known, event.at) if known else ""
    event = replace(event, digits=origin is None or Trigger.DIGITS in origin.call_type.pause_on, typed=typed)
    if origin is None or known is None or origin.call_type.name != call.call_type.name:
        return event
    return replace(event, agreed=_agreed_itself(origin, known))


def _agreed_itself(origin: Call, known: Channel) -> bool:
    """Whether it agreed by an answer of its own. To have stayed on, or an agent's word, is enough under the rule of its
    own call alone."""
    return known.standing is Standing.GRANTED and origin.mode is Mode.ASK and not known.attested


async def _asked(ask: LookUp, who: Endpoint, call_type: CallType) -> Found | None:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return await ask(who, call_type)
    except (OSError, TimeoutError):
        return None


def _strictest(answers: Iterable[Remembered]) -> Remembered:
    order = (Remembered.REFUSED, Remembered.GRANTED, Remembered.NOTHING)
    return min(answers, key=order.index, default=Remembered.NOTHING)


def _by_agent(heard: Entered, call_type: CallType) -> bool:
    """Whether an agent waits here, who is about to dial. Who was bridged first is on its way and does not wait."""
    return heard.waiting and call_type.is_agent(heard.channel.endpoint)


def _arguments(args: tuple[str, ...]) -> tuple[str, str]:
    """Call type and direction as the snippet passes them: Stasis(app,1,CALLTYPE,DIRECTION,LINKEDID,...)."""
    return (args[1], args[2]) if len(args) >= 3 and args[0] == "1" else ("", "")


def _linked(heard: Entered) -> str:
    linked = heard.args[3] if len(heard.args) > 3 else heard.channel.channel_id
    fine = len(linked) <= 64 and all(letter.isalnum() or letter in "._-" for letter in linked)
    return linked if fine else heard.channel.channel_id
