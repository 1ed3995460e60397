"""The invariant: no sound reaches a file while somebody who can hear has not agreed, whatever happens in what order.

What belongs here: a world of up to seven channels with a recorder and a memory of their own, which knows nothing of how
the core decides. The recorder is adversarial: it starts and unmasks the moment that it may, and what it was told to
silence goes on when the request fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callguard.core.consent import Standing
from callguard.core.effects import (
    ArmRecording,
    DiscardRecording,
    Effect,
    MaskRecording,
    MeasureRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import (
    OVERTAKEN,
    Action,
    DeadlinePassed,
    DigitPressed,
    EffectFailed,
    LegSilent,
    Link,
    ListeningEnded,
    ListeningStarted,
    MaskAcknowledged,
    Outcome,
    RecordingAcknowledged,
    RecordingEvent,
    RecordingGrowing,
    RecordingOpened,
    Role,
    Script,
    StopAcknowledged,
    UnmaskAcknowledged,
)
from callguard.core.policy import CallType
from callguard.core.word import Cause
from tests.core.play import (
    AGENT,
    ANNOUNCE,
    ASK,
    FAR,
    GUEST,
    KEEP,
    MILD,
    NEVER,
    OTHER_AGENT,
    SPOOLED,
    STRICT,
    Play,
)

ROLES = {
    AGENT: Role.AGENT,
    OTHER_AGENT: Role.AGENT,
    GUEST: Role.GUEST,
    "target": Role.GUEST,
    "half1": Role.PLUMBING,
    "half2": Role.PLUMBING,
}
PAIRS = {"half1": "half2", "half2": "half1"}
PEOPLE = [FAR, *ROLES]
ASKING = (Script.NOTICE, Script.QUESTION, Script.LONG_NOTICE)
BRIDGES = ["B1", "B2"]
HOW = ["to its end", "to its end", "in part", "end only", "not at all", "refused"]
LOOKS = [RecordingOpened, RecordingGrowing, "lost", "damaged", "verified", "discarded", "whole"]
ACKS: dict[type[Effect], type[RecordingEvent]] = {
    StartRecording: RecordingAcknowledged,
    ArmRecording: RecordingAcknowledged,
    MaskRecording: MaskAcknowledged,
    UnmaskRecording: UnmaskAcknowledged,
    StopRecording: StopAcknowledged,
}


@dataclass
class Tape:
    """What a recorder really does. `unsure`: a mask was asked for and not acknowledged."""

    runs: bool = True
    silent: bool = False
    unsure: bool = False
    stop_known: bool = False
    host: str = FAR


@dataclass
class World:
    """What really is the case: who is where, what was said, what is broken."""

    there: set[str] = field(default_factory=lambda: {FAR})
    bridge: dict[str, str] = field(default_factory=dict)
    listens: dict[str, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    express: set[str] = field(default_factory=set)
    windows: dict[str, str] = field(default_factory=dict)
    strict: set[str] = field(default_factory=set)
    grown: bool = False
    paused: bool = False
    paused_alone: datetime | None = None
    person: bool = False
    typed: dict[str, list[datetime]] = field(default_factory=dict)
    spooled: bool = False
    sent_on: set[str] = field(default_factory=set)
    broken: set[Link] = field(default_factory=set)
    tapes: dict[str, Tape] = field(default_factory=dict)

    def reached(self) -> set[str]:
        """Channels whose media reach the far party."""
        found, todo = set[str](), [FAR]
        while todo:
            here = todo.pop()
            if here in self.there and here not in found:
                found.add(here)
                todo += [other for other in self.there if self._touch(here, other)]
        return found

    def _touch(self, one: str, other: str) -> bool:
        same = one in self.bridge and self.bridge.get(other) == self.bridge[one]
        listens = self.listens.get(one) == other or self.listens.get(other) == one
        return same or listens or PAIRS.get(one) == other

    def look(self) -> None:
        """Whether anybody of a strict place has ever been on the call: an outsider of no known place is one."""
        self.grown |= any(who in self.strict or ROLES.get(who) is Role.GUEST for who in self.reached())

    def agreed(self, who: str, call_type: CallType) -> bool:
        """Whether this party was told and said yes, as far as the rule demands that it says so."""
        said = who in self.begun & self.told & self.yes - self.no
        return said and (call_type is not ANNOUNCE or not self.grown or who in self.express)

    def hearers(self) -> set[str]:
        return {who for who in self.reached() if who != FAR and ROLES[who] is not Role.PLUMBING}

    def company(self) -> set[str]:
        """Who talks to the far party, and does not only listen."""
        return self.hearers() - set(self.listens)


class Calls(RuleBasedStateMachine):
    """Facts in any order; after each, the world is held against the promises."""

    @initialize(
        call_type=st.sampled_from([ASK, ASK, KEEP, SPOOLED, SPOOLED, ANNOUNCE, NEVER]),
        answered=st.booleans(),
        shortcut=st.sampled_from([0, 1, 2, 2, 2, 3]),
        prompt_pbx=st.booleans(),
        early=st.sampled_from([False, False, False, True]),
        least=st.sampled_from([False, False, True]),
    )
    def begin(self, call_type: Any, answered: bool, shortcut: int, prompt_pbx: bool, early: bool, least: bool) -> None:
        """SHORTCUT: 0 from the first moment, 1 once the notice is over, 2 in the middle of a recorded call,
        3 where its agent turns out to be in a strict place.

        PROMPT_PBX: masks are acknowledged before anything else happens. EARLY: the answer comes during the notice.
        LEAST: least privilege, the dialplan starts the recorder.
        """
        self.prompt_pbx = prompt_pbx
        self.call_type, self.world, self.talk = call_type, World(), Play(call_type)
        self.prompts: list[PlayPrompt] = []
        self.wakes: list[WakeAt] = []
        self.asked: list[Effect] = []
        self.least = least
        self.talk.starts(answered=answered or shortcut > 0, least_privilege=least)
        self.perform()
        if shortcut and self.prompts:
            if early:
                self.prompt_begins(0)
                self.key(FAR, "1", 1.0)
            self.prompt_plays(0, "to its end")
            self.key(FAR, "5" if early else "1", 1.0)
        if shortcut >= 2:
            if call_type is ANNOUNCE:
                self._passes_named("last_answer")
            self.answers_or_leaves(True)
            for who in (AGENT, FAR):
                self.joins(who, "B1")
            if self.asked:
                self.acknowledged(0, True)
        if shortcut == 3:
            self.is_found(AGENT, STRICT)

    # ------------------------------------------------------------ carrying out
    def perform(self) -> None:
        """Carry out what the last step asked for, and hold it against what it may ask for."""
        self.world.look()
        for effect in self.talk.last.effects:
            self._perform(effect)
            self._speak(effect)
        masks = [item for item in self.asked if isinstance(item, MaskRecording | UnmaskRecording)]
        if self.prompt_pbx and masks:
            self._answer(masks[0])

    def _perform(self, effect: Effect) -> None:
        match effect:
            case StartRecording() | ArmRecording():
                self._starts(effect)
            case UnmaskRecording():
                assert self.may_sound(), "sound only where the joint rule holds"
                self.world.tapes[effect.recording_id].silent = False
            case MaskRecording():
                self.world.tapes[effect.recording_id].silent = self.world.tapes[effect.recording_id].unsure = True
            case StopRecording():
                self.world.tapes[effect.recording_id].runs = False
            case WakeAt():
                self.wakes.append(effect)
                if effect.name.startswith("party_"):  # it follows what the party heard just now
                    self.world.windows[effect.name] = self.talk.facts[-1].channel_id
            case DiscardRecording() | MeasureRecording():
                assert not self.world.tapes[effect.recording_id].runs
        if type(effect) in ACKS:
            self.asked.append(effect)

    def _speak(self, effect: Effect) -> None:
        """What concerns one party: its prompts, and that it goes on."""
        match effect:
            case PlayPrompt():
                assert effect.script is not Script.WITHDRAWAL or self.all_stopped(), "said only once it is true"
                alone = effect.channel_id == FAR or effect.script is Script.RECORDING_ON or not effect.to_all
                assert alone, "a third party is told alone"
                self.prompts.append(effect)
            case StopPrompt():
                self.prompts = [item for item in self.prompts if not self._ends(effect, item)]
            case SendOn():
                assert effect.channel_id not in self.world.sent_on, "a party is sent on once"
                self.world.sent_on.add(effect.channel_id)

    @staticmethod
    def _ends(stop: StopPrompt, prompt: PlayPrompt) -> bool:
        if stop.channel_id != prompt.channel_id:
            return False
        return prompt.script is stop.script if stop.script else prompt.script in ASKING or not prompt.whisper

    def _starts(self, effect: StartRecording | ArmRecording) -> None:
        assert not self.world.broken, "nothing that we hang on is missing"
        assert self.all_stopped(), "one recorder at a time"
        armed = isinstance(effect, ArmRecording)
        assert armed is self.least, "the dialplan starts it, or we do"
        if armed:
            assert not self.world.tapes, "once a call"
            asked = FAR in self.world.yes or self.call_type is ANNOUNCE
            assert FAR in self.world.told and asked, "agreed, or in the window"
        else:
            assert self.may_sound() and self.world.company(), "a recorder starts for people who talk"
        self.world.tapes[effect.recording_id] = Tape(silent=armed, host=effect.channel_id)

    def all_stopped(self) -> bool:
        return all(tape.stop_known for tape in self.world.tapes.values())

    # ------------------------------------------------------------ promises
    def may_sound(self) -> bool:
        """By the world's own memory, whether sound may reach a file now."""
        world = self.world
        parties = {FAR, *(who for who in world.hearers() if ROLES[who] is Role.GUEST)}
        agreed = all(world.agreed(who, self.call_type) for who in parties)
        kept = Link.LOG not in world.broken or (
            self.call_type is SPOOLED and world.spooled and Link.SPOOL not in world.broken
        )
        quiet = world.paused or world.held & world.reached() or Link.PBX in world.broken
        return FAR in world.there and agreed and kept and not quiet

    @invariant()
    def no_sound_without_standing(self) -> None:
        for tape in self.world.tapes.values() if hasattr(self, "world") else ():
            assert not tape.runs or tape.silent or self.may_sound(), "sound reaches a file"
            assert not tape.runs or tape.silent or tape.host in self.world.reached(), "of another conversation"

    @invariant()
    def never_is_never(self) -> None:
        if hasattr(self, "call_type") and self.call_type is NEVER:
            assert (not self.talk.count(StartRecording) and not self.talk.count(PlayPrompt)) or self.world.no

    @invariant()
    def nothing_after_the_end(self) -> None:
        if hasattr(self, "talk") and self.talk.call.over:
            assert not any(tape.runs for tape in self.world.tapes.values())

    def teardown(self) -> None:
        """When nothing comes any more but deadlines, nobody is left waiting."""
        if not hasattr(self, "talk"):
            return
        for _ in range(40):
            if not self.wakes or self.talk.call.over:
                break
            self.passes(0)
        far = self.talk.call.far
        assert far is not None and not far.waiting, "a caller waits for ever"

    # ------------------------------------------------------------ channels
    @rule(who=st.sampled_from([AGENT, GUEST, *ROLES]), bridge=st.sampled_from(BRIDGES))
    def joins(self, who: str, bridge: str) -> None:
        if who != FAR and who not in self.talk.call.channels:
            self.talk.sees(who, ROLES[who], PAIRS.get(who, ""))
            self.world.there.add(who)
            self.perform()
        self.moves(who, bridge)

    @rule(who=st.sampled_from([GUEST, "target"]), key=st.sampled_from("1112"))
    def third_party_answers(self, who: str, key: str) -> None:
        """The short way to a guest who is told, asked and answers."""
        places = [place for place, item in enumerate(self.prompts) if item.channel_id == who]
        if places:
            self.prompt_plays(places[-1], "to its end")
            self.key(who, key, 1.0)

    @rule(who=st.sampled_from([AGENT, GUEST, GUEST]))
    def joins_through_a_local_channel(self, who: str) -> None:
        self.joins(who, "B2")
        self.joins("half1", "B1")
        self.joins("half2", "B2")

    @rule(who=st.sampled_from(PEOPLE), bridge=st.sampled_from(["B1", *BRIDGES]))
    def moves(self, who: str, bridge: str) -> None:
        far = self.talk.call.far
        if who in self.world.there and not (who == FAR and far and far.waiting):
            self.world.bridge[who] = bridge
            self.talk.bridges(who, bridge=bridge)
            self.perform()

    @rule(who=st.sampled_from([GUEST, "target", OTHER_AGENT]), heard=st.sampled_from([FAR, AGENT, "half1"]))
    def listens(self, who: str, heard: str) -> None:
        """Somebody listens without being in the bridge."""
        if who not in self.talk.call.channels:
            self.talk.sees(who, ROLES[who])
            self.world.there.add(who)
            self.perform()
        if who in self.world.there and who not in self.world.bridge:
            self.world.listens[who] = heard
            self.talk.feed(ListeningStarted, who, heard_id=heard)
            self.perform()

    @rule(who=st.sampled_from([GUEST, "target", OTHER_AGENT]))
    def listens_no_more(self, who: str) -> None:
        if self.world.listens.pop(who, ""):
            self.talk.feed(ListeningEnded, who)
            self.perform()

    @rule(who=st.sampled_from(PEOPLE))
    def steps_out(self, who: str) -> None:
        if bridge := self.world.bridge.pop(who, ""):
            self.world.held.discard(who)
            self.talk.unbridges(who, bridge=bridge)
            self.perform()

    @rule(who=st.sampled_from(PEOPLE), on=st.booleans())
    def holds(self, who: str, on: bool) -> None:
        if who in self.world.bridge:
            (self.world.held.add if on else self.world.held.discard)(who)
            (self.talk.holds if on else self.talk.unholds)(who)
            self.perform()

    @rule(who=st.sampled_from(list(ROLES)))
    def hangs_up(self, who: str) -> None:
        if who in self.world.there:
            self._gone(who)

    @rule(sure=st.sampled_from([False, False, False, True]))
    def far_hangs_up(self, sure: bool) -> None:
        if sure and FAR in self.world.there:
            for tape in self.world.tapes.values():
                tape.runs, tape.stop_known = False, True  # a recorder ends with its channel
            self._gone(FAR)

    def _gone(self, who: str) -> None:
        for tape in self.world.tapes.values():
            if tape.host == who != FAR:
                tape.runs, tape.stop_known = False, True
        self.world.there.discard(who)
        self.world.held.discard(who)
        self.world.bridge.pop(who, None)
        self.world.listens.pop(who, None)
        self.talk.hangs_up(who)
        self.perform()

    @rule(side=st.sampled_from(["right", "right", "left"]))
    def one_side_is_missing(self, side: str) -> None:
        """A file shows that it holds one side only."""
        if self.talk.call.running:
            self.talk.recorder(LegSilent, side=side, milliseconds=2000)
            self.perform()

    @rule(left=st.booleans())
    def answers_or_leaves(self, left: bool) -> None:
        if FAR in self.world.there:
            (self.talk.leaves if left else self.talk.answers)()
            self.perform()

    @rule(who=st.sampled_from([FAR, AGENT, AGENT, OTHER_AGENT]), code=st.sampled_from([MILD, STRICT]))
    def is_found(self, who: str, code: str) -> None:
        """Where somebody is becomes known."""
        if who in self.talk.call.channels:
            self.world.strict |= {who} if code == STRICT else set()
            self.talk.learns(who, code)
            self.perform()

    # ------------------------------------------------------------ prompts
    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 3), how=st.sampled_from(HOW))
    def prompt_plays(self, which: int, how: str) -> None:
        prompt = self.prompts.pop(which % len(self.prompts))
        who = {prompt.channel_id} & self.world.there if prompt.script is Script.NOTICE else set()
        if how in ("to its end", "in part"):
            self.world.begun |= who
            self.talk.begins(prompt.script, prompt.channel_id)
            self.perform()
        if how in ("to its end", "end only"):
            self.world.told |= who if how == "to its end" else set()
            self.talk.ends(prompt.script, prompt.channel_id)
        elif how == "refused":
            self.talk.feed(EffectFailed, prompt.channel_id, effect="PlayPrompt", reason="refused")
        else:
            self.talk.fails(prompt.script, prompt.channel_id)
        self.perform()

    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 3))
    def prompt_begins(self, which: int) -> None:
        prompt = self.prompts[which % len(self.prompts)]
        self.world.begun |= {prompt.channel_id} & self.world.there if prompt.script is Script.NOTICE else set()
        self.talk.begins(prompt.script, prompt.channel_id)
        self.perform()

    # ------------------------------------------------------------ keys and operators
    @rule(who=st.sampled_from([FAR, FAR, *ROLES]), key=st.sampled_from("12519"), after=st.sampled_from([0.2, 4.0]))
    def key(self, who: str, key: str, after: float) -> None:
        if who not in self.world.there or who not in self.talk.call.channels:
            return
        asked = self.talk.call.channels[who].standing
        if key == "1":
            self.world.yes |= {who} & self.world.told
            self.world.express |= {who} & self.world.told if self.world.grown else set()
        if key == "2" and asked in (Standing.NOTIFYING, Standing.AWAITING):
            self.world.no.add(who)
        self.talk.presses(key, by=who, every=after)
        self._typed(who)
        self.perform()

    def _typed(self, who: str) -> None:
        """A pause that nobody asked for begins with an outsider's fourth key within five seconds, and no sooner."""
        now, mine = self.talk.now, self.world.typed.setdefault(who, [])
        mine.append(now)
        if self.talk.call.paused and not self.world.paused:
            assert ROLES.get(who) is not Role.AGENT and now - mine[-4] <= timedelta(seconds=5)
            self.world.paused, self.world.paused_alone, self.world.person = True, now, False

    @rule(who=st.sampled_from(PEOPLE), keys=st.sampled_from(["*7", "*8", "*8"]), every=st.sampled_from([0.3, 0.3, 5.0]))
    def types(self, who: str, keys: str, every: float) -> None:
        if who not in self.world.there:
            return
        in_time = every <= 3
        role = ROLES.get(who, Role.FAR)
        for key in keys:
            last = key != "*"
            if last and in_time and keys == "*7" and role is not Role.AGENT:
                self.world.no.add(who)
            if last and in_time and keys == "*8" and role is Role.AGENT:
                self._toggles(every)
            self.talk.wait(every).feed(DigitPressed, who, digit=key)
            self._typed(who)
            self.perform()

    def _toggles(self, every: float) -> None:
        """The agent's key confirms a pause that began by itself a moment ago."""
        world, now = self.world, self.talk.now + timedelta(seconds=every)
        confirms = world.paused and world.paused_alone and now - world.paused_alone <= timedelta(seconds=5)
        world.paused, world.paused_alone = bool(confirms) or not world.paused, None
        world.person = world.paused

    @rule(cause=st.sampled_from([Cause.VARIABLE, Cause.EVENT]), on=st.booleans())
    def signals(self, cause: Cause, on: bool) -> None:
        """A machine ends no pause of a person."""
        world = self.world
        if on and not world.paused:
            world.paused, world.paused_alone, world.person = True, self.talk.now, False
        elif not on and not world.person:
            world.paused, world.paused_alone = False, None
        self.talk.signals(cause, on)
        self.perform()

    @rule(action=st.sampled_from([Action.PAUSE, Action.RESUME, Action.RESUME, Action.PAUSE, Action.WITHDRAW]))
    def operator(self, action: Action) -> None:
        self.world.no |= {FAR} & self.world.there if action is Action.WITHDRAW else set()
        if action is not Action.WITHDRAW:
            self.world.paused, self.world.paused_alone = action is Action.PAUSE, None
            self.world.person = self.world.paused
        self.talk.operator(action)
        self.perform()

    # ------------------------------------------------------------ the recorder answers, or does not
    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 3), twice=st.booleans())
    def acknowledged(self, which: int, twice: bool) -> None:
        """An answer comes, late, out of order, or twice."""
        if self.asked:
            self._answer(self.asked[which % len(self.asked)], 1 + twice)

    def _answer(self, effect: Any, times: int = 1) -> None:
        self.asked.remove(effect)
        tape = self.world.tapes[effect.recording_id]
        if isinstance(effect, ArmRecording):  # it runs where the far party went on
            self.talk.leaves()
            self.perform()
        tape.unsure &= not isinstance(effect, MaskRecording)
        tape.stop_known |= isinstance(effect, StopRecording)
        for _ in range(times):
            self.talk.feed(ACKS[type(effect)], recording_id=effect.recording_id)
            self.perform()

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 3), overtaken=st.booleans())
    def refuses(self, which: int, overtaken: bool) -> None:
        """The PBX says no, or only the answer is lost. A stop that fails is for a human."""
        effect: Any = self.asked[which % len(self.asked)]
        if isinstance(effect, StopRecording):
            return
        self.asked.remove(effect)
        tape = self.world.tapes[effect.recording_id]
        if isinstance(effect, MaskRecording):
            tape.silent = tape.unsure = False
        later = [item for item in self.asked if getattr(item, "recording_id", "") == effect.recording_id]
        reason = "refused"
        if overtaken and later and isinstance(effect, StartRecording | ArmRecording):
            reason, tape.runs, tape.stop_known = OVERTAKEN, False, True  # it never reached the PBX
        self.talk.feed(EffectFailed, effect=type(effect).__name__, recording_id=effect.recording_id, reason=reason)
        self.perform()

    @precondition(lambda self: self.world.tapes)
    @rule(which=st.integers(0, 2), kind=st.sampled_from(LOOKS), bad=st.sampled_from([False, False, True]))
    def file_shows(self, which: int, kind: Any, bad: bool) -> None:
        if kind in ("lost", "damaged") and not bad:
            return
        ids = [item.recording_id for item in self.talk.call.recordings]
        segment = which % len(ids)
        tape = self.world.tapes[ids[segment]]
        if kind == "whole":
            tape.runs, tape.stop_known = False, True
        if kind == "discarded" and tape.runs:
            return
        if isinstance(kind, str):
            getattr(self.talk, kind)(segment)
        else:
            self.talk.recorder(kind, segment)
        self.perform()

    # ------------------------------------------------------------ links and time
    @rule(spooled=st.booleans())
    def log_comes_and_goes(self, spooled: bool) -> None:
        lost = Link.LOG not in self.world.broken
        self.link_changes(Link.LOG, lost, True)
        if spooled and lost:
            self._passes_named("spooled")

    @precondition(lambda self: any(tape.unsure for tape in self.world.tapes.values()))
    @rule()
    def mask_is_late(self) -> None:
        self._passes_named("mask")

    def _passes_named(self, name: str) -> None:
        places = [place for place, wake in enumerate(self.wakes) if wake.name.partition(":")[0] == name]
        if places:
            self.passes(places[-1])

    @rule(link=st.sampled_from(Link), lost=st.booleans(), again=st.booleans())
    def link_changes(self, link: Link, lost: bool, again: bool) -> None:
        """Most of the time what is lost comes back."""
        if self.world.broken and not again:
            lost, link = False, sorted(self.world.broken)[0]
        if lost and link is Link.LOG:
            self.world.spooled = False
        (self.world.broken.add if lost else self.world.broken.discard)(link)
        (self.talk.loses if lost else self.talk.restores)(link)
        self.perform()

    @precondition(lambda self: self.wakes)
    @rule(which=st.integers(-3, 9))
    def passes(self, which: int) -> None:
        """A deadline comes: the newest, an old one, or one long without a meaning."""
        if not self.wakes:
            return
        wake = self.wakes.pop(which % len(self.wakes))
        self._time_out(wake)
        self.talk.wait(wake.seconds).feed(DeadlinePassed, "", name=wake.name)
        self.perform()

    def _time_out(self, wake: WakeAt) -> None:
        """What a deadline means in the world: the spool has it, the party stayed on, the mask never came."""
        name, _, number = wake.name.partition(":")
        self.world.spooled |= name == "spooled"
        who = {"last_answer": FAR, "party_last_answer": self.world.windows.get(wake.name, "")}.get(name, "")
        self.world.yes |= {who} & self.world.told if self.call_type is ANNOUNCE else set()
        for item in self.talk.call.recordings:
            tape = self.world.tapes[item.recording_id]
            if name == "mask" and tape.unsure and item.requested_mask == int(number):
                tape.silent = False

    @precondition(lambda self: self.talk.facts)
    @rule()
    def the_last_fact_comes_twice(self) -> None:
        fact = self.talk.facts[-1]
        if not isinstance(fact, DigitPressed):  # a key twice is two keys
            self.talk.take(fact)
            self.perform()

    @invariant()
    def refusals_are_remembered(self) -> None:
        if hasattr(self, "talk") and {Outcome.CONSENT_REFUSED, Outcome.CONSENT_WITHDRAWN} & set(self.talk.wrote):
            assert self.world.no, "nobody refused"


QUICK = settings(
    max_examples=50,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCalls = pytest.mark.requirement("S1", "S13", "S16", "S123")(Calls.TestCase)
TestCalls.settings = QUICK
