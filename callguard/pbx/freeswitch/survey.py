"""What is there now: `show channels as json`, then `uuid_dump` and `uuid_buglist` of each channel.

What belongs here: asking, and reading the answers. What does not: when to ask (pbx.py). `show channels` lags behind, by
up to a second in both directions: a channel whose dump says that it is gone, is gone, and one that was heard of is
asked for by its id, whether it is in the list or not. What a channel says it executes is no proof that it does nothing
else: while a prompt of ours plays in a conference or to a listener, it says `playback`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callguard.pbx.freeswitch.codec import Message, plain_message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of
from callguard.pbx.freeswitch.translate import EAR, LISTENING, bridge_of, conference, endpoint
from callguard.ports import Endpoint

_OVERHEARD = re.compile(r"<function>eavesdrop</function>")
_BUG = re.compile(r"<function>session_record</function>\s*<target>([^<]*)</target>")


@dataclass(frozen=True)
class Survey:
    """Channels, bridges (id -> channel ids), files that each channel is recorded into, who listens to whom.

    `silent`: who of these only listens, and does not talk. `dumps`: what each channel that is up says of itself; each
    took a number of the events' sequence. `asked`: channels that were asked for.
    """

    channels: tuple[Endpoint, ...]
    bridges: Mapping[str, tuple[str, ...]]
    bugs: Mapping[str, frozenset[str]]
    listens: Mapping[str, str]
    silent: frozenset[str] = frozenset()
    dumps: tuple[Message, ...] = ()
    asked: frozenset[str] = frozenset()


async def survey(esl: Esl, known: Iterable[str] = (), listened: Mapping[str, str] | None = None) -> Survey:
    """Ask. KNOWN: channels that were heard of; LISTENED: who listened to whom so far. Raises LinkDown, PbxRefused."""
    listed = [row["uuid"] for row in rows_of(await esl.ask("api show channels as json"))]
    ids = list(dict.fromkeys((*listed, *(item for item in known if CHANNEL_ID.match(item)))))
    rooms = esl.send("api conference json_list")
    dumps = await asyncio.gather(*(esl.send(f"api uuid_dump {item}") for item in ids))
    bugs = await asyncio.gather(*(esl.send(f"api uuid_buglist {item}") for item in ids))
    there = {item: plain_message(dump.body) for item, dump in zip(ids, dumps, strict=True)}
    alive = {item: message for item, message in there.items() if channel_id_of(message) == item and _is_up(message)}
    texts = {item: bug.text for item, bug in zip(ids, bugs, strict=True) if item in alive}
    overheard = [item for item, text in texts.items() if _OVERHEARD.search(text)]
    listens = _listens(alive, overheard, listened or {})
    nameless = tuple(Endpoint(ear, "", "", answered=True) for ear in listens if ear not in alive)
    return Survey(
        channels=(*(endpoint(message) for message in alive.values()), *nameless),
        bridges=_bridges(alive, _rooms((await rooms).text), listens),
        bugs={item: frozenset(_BUG.findall(text)) for item, text in texts.items()},
        listens=listens,
        silent=frozenset(ear for ear in listens if _is_silent(ear, alive)),
        dumps=tuple(alive.values()),
        asked=frozenset(ids),
    )


def rows_of(answer: str) -> list[dict[str, str]]:
    """The rows of `show channels as json` that name a channel: what they say, by column."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    rows = found.get("rows") if isinstance(found, dict) else None
    own = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in own if isinstance(row.get("uuid"), str) and CHANNEL_ID.match(row["uuid"])]


def _is_up(message: Message) -> bool:
    return message.get("Answer-State") != "hangup"


def _listens(alive: Mapping[str, Message], overheard: Iterable[str], before: Mapping[str, str]) -> dict[str, str]:
    """Who listens to whom: as it says itself, as was known, or as the one who is overheard shows, by whomever."""
    found = {item: target for item, message in alive.items() if (target := _listens_to(message))}
    for target in overheard:
        known = [ear for ear, whom in before.items() if whom == target and ear in alive and ear not in found]
        found |= dict.fromkeys(known, target)
        if target not in found.values():
            found[EAR + target] = target
    return found


def _listens_to(message: Message) -> str:
    said = message.get("variable_current_application_data", "").strip()
    return said if message.get("variable_current_application") in LISTENING and CHANNEL_ID.match(said) else ""


def _is_silent(ear: str, alive: Mapping[str, Message]) -> bool:
    """In doubt it only listens: nobody in the call knows of it then."""
    return ear not in alive or alive[ear].get("variable_current_application") != "three_way"


def _rooms(answer: str) -> dict[str, str]:
    """Which conference each channel is in; mod_conference may not be there to say so."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    rooms = [room for room in found if isinstance(room, dict)] if isinstance(found, list) else []
    return {str(own): str(room.get("conference_name", "")) for room in rooms for own in _members(room.get("members"))}


def _members(members: object) -> list[object]:
    return [item.get("uuid") for item in members if isinstance(item, dict)] if isinstance(members, list) else []


def _bridges(
    alive: Mapping[str, Message], rooms: Mapping[str, str], listens: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Two channels are bridged where each names the other; a conference is named by its members."""
    found: dict[str, tuple[str, ...]] = {}
    where: dict[str, str] = {}
    for item, message in alive.items():
        if item in rooms or message.get("variable_current_application") == "conference":
            where[item] = conference(rooms.get(item) or message.get("variable_conference_name", ""))
            continue
        other = message.get("variable_bridge_uuid", "")
        if other in alive and alive[other].get("variable_bridge_uuid") == item:
            where[item] = bridge_of(item, other)
    where |= {ear: where[target] for ear, target in listens.items() if target in where}
    for item, bridge in where.items():
        found[bridge] = (*found.get(bridge, ()), item)
    return found
