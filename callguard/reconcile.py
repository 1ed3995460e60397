"""The PBX's books, the event log and the files, held against one another: every leg in exactly one class.

What belongs here: the classes and what puts a leg into one. What does not: reading books (pbx/cdr.py), looking at the
disk (cli/reconcile.py), the invariants over one log (proof.py).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from callguard.pbx.cdr import Leg
from callguard.ports import StoredCall
from callguard.proof import prove


class Class(StrEnum):
    """What became of a leg. The worst comes last: a call is what its worst recording is."""

    DUE = "recorded as due"
    NOT_DUE = "not recorded as due"
    LOST = "lost"
    ERROR = "recorded in error"
    UNKNOWN = "unknown file"
    UNEXPLAINED = "unexplained"


FINE = (Class.DUE, Class.NOT_DUE)
_WORSE = tuple(Class)
_ERRORS = ("sound under mask", "not blanked")
"""Findings of a verdict that say that too much was recorded; all others say that too little was."""


@dataclass(frozen=True, slots=True)
class Item:
    """A leg, or a file that is nobody's, and its class. `leg`: the PBX's id of it, or the file's name; `began`: of
    its call."""

    leg: str
    cls: Class
    reason: str
    call_id: str = ""
    began: datetime = datetime.min


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of recordings. `spool`: ids that have a file there; `digests`: {id: sha256 of that file, '' for
    what is no plain file}, of those that were read; `vault`: {id: the state of its artefact}; `strange`: names of files
    that no recording has."""

    spool: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    vault: Mapping[str, str] = field(default_factory=dict)
    strange: Sequence[str] = ()

    def place(self, recording_id: str) -> str:
        """Where it is: in the spool, in the vault, "deleted" as its retention or somebody said, or ''."""
        if recording_id in self.spool:
            return "in the spool"
        return {"": "", "stored": "in the vault", "writing": ""}.get(self.vault.get(recording_id, ""), DELETED)

    def differs(self, recording_id: str, sha256: str) -> bool:
        """Whether all that is left of it is a file that is not the one of its verdict, which had this SHA256."""
        here = self.digests.get(recording_id, sha256)
        return bool(sha256) and here != sha256 and self.vault.get(recording_id) != "stored"


DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Result:
    """Everything in its class. `live`: calls that are under way and not judged; `books`: whether there were any."""

    items: tuple[Item, ...]
    live: int
    books: bool

    @property
    def counts(self) -> dict[str, int]:
        """{class: how many}, every class named."""
        found = Counter(item.cls for item in self.items)
        return {each.value: found[each] for each in Class}

    @property
    def ok(self) -> bool:
        """Whether nobody has to look."""
        return all(item.cls in FINE for item in self.items)


def reconcile(
    books: Sequence[Leg] | None,
    calls: Iterable[StoredCall],
    stock: Stock,
    *,
    since: datetime | None = None,
    outside: Sequence[str] = (),
    marked: Collection[str] | None = None,
) -> Result:
    """Every leg of BOOKS, every call and every strange file in its class: those that began SINCE then.

    OUTSIDE: contexts, and numbers that were called, whose legs are none of ours. Without books the legs are the
    channels that the log begins its calls with. MARKED: calls that a controller has or will take over; what is not over
    and not among them never will be, and is judged. None: nobody knows, each of them is under way.
    """
    over, live, known = _sorted(calls, marked)
    judged = {call_id: _item(call, stock) for call_id, call in over.items()}
    firsts = {leg.channel_id: leg for leg in books or ()}
    items, met = list[Item](), set[str]()
    for leg in books or ():
        mine = known.get(leg.channel_id) or known.get(leg.linked_id) or set()
        met |= mine
        if mine & live or (since and leg.started_at < since.replace(microsecond=0)):
            continue
        first = firsts.get(leg.linked_id, leg)
        found = [judged[call_id] for call_id in sorted(mine)] or [_stranger(leg, first, outside)]
        items.append(replace(_worst(found), leg=leg.channel_id))
    for call_id, item in judged.items():
        if call_id not in met and (not since or item.began >= since):
            items.append(_without_leg(item, over[call_id]) if books is not None else item)
    items += [Item(name, Class.UNKNOWN, "no recording of ours has this name") for name in stock.strange]
    return Result(tuple(items), len(live), books is not None)


def _sorted(
    calls: Iterable[StoredCall], marked: Collection[str] | None
) -> tuple[dict[str, StoredCall], set[str], dict[str, set[str]]]:
    """Calls to be judged, by id; the ids of those under way; which calls each of the PBX's names is of."""
    over, live, known = dict[str, StoredCall](), set[str](), defaultdict[str, set[str]](set)
    for call in calls:
        call_id = call.call.call_id
        for name in _names(call):
            known[name].add(call_id)
        if _over(call) or (marked is not None and call_id not in marked):
            over[call_id] = call
        else:
            live.add(call_id)
    return over, live, known


def _item(call: StoredCall, stock: Stock) -> Item:
    leg = call.events[0].channel_id
    return Item(leg, *judge(call, stock), call.call.call_id, call.call.started_at)


def _worst(items: Iterable[Item]) -> Item:
    return max(items, key=lambda item: _WORSE.index(item.cls))


def _without_leg(item: Item, call: StoredCall) -> Item:
    """A call that the books know nothing of: a PBX that dies writes nothing of the calls it had."""
    if any(row.type == "link_lost" and row.data.get("link") == "pbx" for row in call.events):
        return replace(item, reason=f"{item.reason}; the link to its PBX was lost")
    if item.cls not in FINE:
        return item
    return replace(item, cls=Class.UNEXPLAINED, reason="the log has this call and the PBX's books do not")


EMERGENCY = re.compile(r"[089]?(911|933|112|999|000|110|118|119)")
"""What the dialplan matches before anything of ours runs, with the prefix of an outside line."""


def _stranger(leg: Leg, first: Leg, outside: Sequence[str]) -> Item:
    """A leg of no call of ours. FIRST: the leg that it belongs to, which alone has what was dialled."""
    cls, reason = Class.NOT_DUE, ""
    if not leg.answered:
        reason = "nobody answered"
    elif any(EMERGENCY.fullmatch(each.dialled) for each in (leg, first)):
        reason = "an emergency number"
    elif {leg.context, leg.dialled, first.context, first.dialled} & {*outside}:
        reason = "it is none of ours"
    else:
        cls, reason = Class.LOST, "answered, and callguard was not asked or not there"
    return Item(leg.channel_id, cls, reason)


def _names(call: StoredCall) -> Iterator[str]:
    """What the PBX calls the channels of CALL, and the call."""
    yield from {row.channel_id for row in call.events if row.channel_id}
    if call.call.linked_id:
        yield call.call.linked_id


def _over(call: StoredCall) -> bool:
    return any(row.decision and row.decision["state"].get("over") for row in call.events)


# ---------------------------------------------------------------- one call
def judge(call: StoredCall, stock: Stock) -> tuple[Class, str]:
    """The class of a call that is over, and why."""
    found = [_recording(call, item.recording_id, item.state, stock) for item in call.recordings]
    if all(cls is Class.NOT_DUE for cls, _ in found):
        found = [_unrecorded(call, found)]
    found += [_wrong(finding.what) for finding in prove(call)]
    found += [(Class.ERROR, "somebody else's recorder ran on it") for row in call.incidents if row.kind in _ROGUE]
    return max(found, key=lambda one: _WORSE.index(one[0]))


_ROGUE = ("rogue_recording", "rogue_not_stopped")


def _wrong(what: str) -> tuple[Class, str]:
    """A finding of the proof: too much was recorded, or the log itself cannot be believed."""
    too_much = what.startswith(("recording before", "recording without", "a party without"))
    return (Class.ERROR if too_much else Class.UNEXPLAINED), what


def _recording(call: StoredCall, recording_id: str, state: str, stock: Stock) -> tuple[Class, str]:
    place = stock.place(recording_id)
    match state:
        case "verified" if stock.differs(recording_id, _digest(call, recording_id)):
            return Class.LOST, "verified, and its file in the spool was changed, cut or exchanged since"
        case "verified" if place:
            return Class.DUE, f"verified, {place}"
        case "verified":
            return Class.LOST, "verified, and its file is gone"
        case "damaged":
            return _damaged(call, recording_id, place)
        case "lost":
            return Class.LOST, _told(call, "recording_lost", recording_id, "no file", place)
        case "discarded" if place in ("", DELETED):
            return Class.NOT_DUE, _told(call, "recording_discarded", recording_id, "discarded", "")
        case "discarded":
            return Class.ERROR, f"discarded, and a file is left of it {place}"
    return Class.UNEXPLAINED, f"it has no verdict: {state}"


def _digest(call: StoredCall, recording_id: str) -> str:
    """sha256 of the file that its last verdict is about, '' where none says so."""
    rows = [row.data for row in call.events if row.type == "recording_verified"]
    mine = [str(data.get("sha256", "")) for data in rows if data.get("recording_id") == recording_id]
    return mine[-1] if mine else ""


def _told(call: StoredCall, type: str, recording_id: str, otherwise: str, place: str) -> str:
    """The reason in the row of a recording's end."""
    rows = [row.data for row in call.events if row.type == type and row.data.get("recording_id") == recording_id]
    reason = next((str(data["reason"]) for data in reversed(rows) if data.get("reason")), otherwise)
    missing = max((int(data.get("lost_ms", 0)) for data in rows), default=0)
    reason += f", {missing} ms missing" if missing else ""
    return f"{reason}, found {place}" if place else reason


def _damaged(call: StoredCall, recording_id: str, place: str) -> tuple[Class, str]:
    rows = [row.data for row in call.events if row.type == "recording_damaged"]
    mine = [data for data in rows if data.get("recording_id") == recording_id]
    findings = list(dict.fromkeys(word for data in mine for word in data.get("findings", ())))
    missing = max((int(data.get("lost_ms", 0)) for data in mine), default=0)
    words = [*findings, *([f"{missing} ms missing"] if missing else ()), place or "its file is gone"]
    return (Class.ERROR if set(findings) & set(_ERRORS) else Class.LOST), f"damaged: {', '.join(words)}"


_WHY = {
    "consent_withdrawn": "withdrawn",
    "consent_refused": "refused",
    "consent_silent": "no answer to the question",
}


def _unrecorded(call: StoredCall, discarded: Sequence[tuple[Class, str]]) -> tuple[Class, str]:
    """A call of which nothing is kept: somebody said no, or nobody was there, or something of ours failed."""
    said = [row.type for row in call.events if row.type in _WHY]
    if said:
        return Class.NOT_DUE, _WHY[said[-1]]
    if _mode(call) == "never":
        return Class.NOT_DUE, "its call type is never recorded"
    if call.events[0].data.get("halted"):
        return Class.NOT_DUE, "calls of its kind were halted"
    if not any(row.type == "bridged" for row in call.events):
        return Class.NOT_DUE, "nobody was put through"
    if call.incidents:
        return Class.LOST, f"never begun: {', '.join(sorted({row.kind for row in call.incidents}))}"
    if discarded:
        return discarded[-1]
    if not any(row.type == "consent_granted" for row in call.events):
        return Class.NOT_DUE, "nobody consented"
    return Class.UNEXPLAINED, "consented, put through, and never recorded"


def _mode(call: StoredCall) -> str:
    modes = [str(row.data["mode"]) for row in call.events if "mode" in row.data]
    return modes[-1] if modes else ""
