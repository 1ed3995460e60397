"""The simulated PBX: channels, bridges, prompts and recorders as they really are, whoever is told about it.

What belongs here: what a PBX does and what can be heard in it. It knows nothing of rules: it plays, records and mutes
what it is asked to. What does not: how news of it travels (wire.py), who does what when (plot.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    ListeningEnded,
    ListeningStarted,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    RogueRecordingSeen,
    Script,
    Unbridged,
)
from callguard.core.word import Role
from callguard.ports import Dialled, Endpoint, Entered, Heard, Said, Sighted
from tests.simulate.accounts import Accounts
from tests.simulate.party import NOTICE, QUESTION, STAYED, Party
from tests.simulate.tape import Tape
from tests.simulate.timeline import Coming, Timeline

LENGTHS = {Script.NOTICE: NOTICE, Script.QUESTION: QUESTION, Script.LONG_NOTICE: 8.0, Script.RECORDING_ON: 1.5}
LENGTH = 1.2
"""Seconds that prompts last; those not named take LENGTH."""
TELLING = (Script.NOTICE, Script.LONG_NOTICE)


@dataclass
class Prompt:
    """A prompt on a channel. `ears`: who hears all of it so far."""

    channel_id: str
    script: Script
    to_all: bool = False
    ears: tuple[str, ...] = ()
    ends: Coming | None = None


@dataclass
class Exchange:
    """What is there. `say` tells whoever listens; `wall` is the time that its news carry."""

    time: Timeline
    accounts: Accounts
    wall: Callable[[], Any]
    say: Callable[[Heard], None]
    left: Callable[[str], None]
    parties: dict[str, Party] = field(default_factory=dict)
    tapes: dict[str, Tape] = field(default_factory=dict)
    prompts: dict[str, list[Prompt]] = field(default_factory=dict)
    on_end: Callable[[Tape], None] = lambda tape: None
    on_prompt: Callable[[Prompt, bool], None] = lambda prompt, over: None

    # ------------------------------------------------------------ who is there
    def endpoint(self, party: Party) -> Endpoint:
        """A channel as the PBX names it."""
        words = {"place": party.place} if party.place and party.role is not Role.AGENT else {}
        if party.place and party.role is Role.AGENT:
            words = {"site": party.place}
        tail = party.name[-2:] if party.name.endswith((";1", ";2")) else ""
        endpoint = party.name.removesuffix(tail).rpartition("-")[0] if tail else party.name.rpartition("-")[0]
        return Endpoint(party.channel_id, party.name, endpoint, party.answered, words=words)

    def _change(self) -> None:
        """Before anything changes: account for what was."""
        self.accounts.until(self.time.now)

    def _changed(self) -> None:
        """After it changed: hold what is against what may be."""
        self.accounts.look(self.time.now)

    def create(self, party: Party) -> None:
        """A channel appears."""
        self.parties[party.channel_id] = party
        self.accounts.book.most("most parties", sum(item.alive for item in self.parties.values()))
        self.say(Sighted(self.wall(), self.endpoint(party)))

    def enter(self, channel_id: str, args: tuple[str, ...], *, waits: bool, taken: bool) -> None:
        """A channel asks to be told. WAITS: in our application, if there is one that has TAKEN it."""
        party = self.parties[channel_id]
        if waits and not taken:
            self.left(channel_id)
            return
        party.waiting, party.waiting_since = waits, self.time.now
        party.quiet_since = self.time.now if waits else None
        self.say(Entered(self.wall(), self.endpoint(party), args, waits))

    def dial(self, caller_id: str, peer_id: str) -> None:
        """A channel dials another."""
        self.say(Dialled(self.wall(), caller_id, peer_id))

    def answer(self, channel_id: str) -> None:
        """It is up."""
        party = self.parties[channel_id]
        if party.alive and not party.answered:
            party.answered = True
            self.say(Said(ChannelAnswered(at=self.wall(), channel_id=channel_id)))

    def join(self, channel_id: str, bridge: str) -> None:
        """It enters a bridge, out of the one that it is in."""
        party = self.parties[channel_id]
        if not party.alive or party.waiting or party.bridge == bridge:
            return
        self._change()
        if party.bridge:
            self._unbridge(party)
        party.bridge = bridge
        self.say(Said(Bridged(at=self.wall(), channel_id=channel_id, bridge_id=bridge)))
        self._changed()

    def leave(self, channel_id: str) -> None:
        """It leaves its bridge."""
        party = self.parties[channel_id]
        if party.alive and party.bridge:
            self._change()
            self._unbridge(party)
            self._changed()

    def _unbridge(self, party: Party) -> None:
        old, party.bridge, party.held = party.bridge, "", False
        for prompts in self.prompts.values():
            for prompt in prompts:
                prompt.ears = tuple(ear for ear in prompt.ears if ear != party.channel_id or ear == prompt.channel_id)
        self.say(Said(Unbridged(at=self.wall(), channel_id=party.channel_id, bridge_id=old)))

    def listen(self, channel_id: str, heard_id: str) -> None:
        """It hears another channel, and whom that one hears."""
        self._change()
        self.parties[channel_id].listens = heard_id
        self.say(Said(ListeningStarted(at=self.wall(), channel_id=channel_id, heard_id=heard_id)))
        self._changed()

    def unlisten(self, channel_id: str) -> None:
        """It does so no more."""
        party = self.parties[channel_id]
        if party.alive and party.listens:
            self._change()
            party.listens = ""
            self.say(Said(ListeningEnded(at=self.wall(), channel_id=channel_id)))
            self._changed()

    def hold(self, channel_id: str, on: bool) -> None:
        """It puts the others on hold, or takes them off."""
        party = self.parties[channel_id]
        if party.alive and party.bridge and party.held is not on:
            self._change()
            party.held, party.hold_known = on, False
            kind = ChannelHeld if on else ChannelUnheld
            self.say(Said(kind(at=self.wall(), channel_id=channel_id)))
            self._changed()

    def press(self, channel_id: str, digit: str) -> None:
        """A key."""
        party = self.parties[channel_id]
        if party.alive:
            self.accounts.pressed(party, digit, self.time.now)
            self.say(Said(DigitPressed(at=self.wall(), channel_id=channel_id, digit=digit)))

    def hang_up(self, channel_id: str) -> None:
        """It is gone, and its recorders with it: about them the PBX says nothing."""
        party = self.parties[channel_id]
        if not party.alive:
            return
        self._change()
        self._spoil(channel_id, "hung up")
        if party.bridge:
            self._unbridge(party)
        if party.waiting:
            self._waited(party)
            party.waiting = False
            self.say(Said(ChannelLeft(at=self.wall(), channel_id=channel_id)))
        party.alive = False
        for tape in list(self.tapes.values()):
            if tape.channel_id == channel_id and tape.runs:
                self._end(tape)
        self.say(Said(ChannelHungUp(at=self.wall(), channel_id=channel_id, cause=16)))
        for ear in [item.channel_id for item in self.parties.values() if item.listens == channel_id]:
            self.unlisten(ear)
        self._changed()

    def rogue(self, channel_id: str) -> None:
        """Somebody else records it."""
        self.say(Said(RogueRecordingSeen(at=self.wall(), channel_id=channel_id)))

    # ------------------------------------------------------------ prompts
    def play(self, channel_id: str, script: Script, *, to_all: bool) -> str:
        """Play a prompt behind what plays there already; why it cannot, or ''."""
        party = self.parties.get(channel_id)
        if party is None or not party.alive or not party.answered:
            return "hung up" if party and not party.alive else "not there"
        queue = self.prompts.setdefault(channel_id, [])
        queue.append(Prompt(channel_id, script, to_all))
        if len(queue) == 1:
            self._begin(queue[0])
        return ""

    def _begin(self, prompt: Prompt) -> None:
        self._waited(self.parties[prompt.channel_id])
        ears = [prompt.channel_id]
        bridge = self.parties[prompt.channel_id].bridge
        if prompt.to_all and bridge:
            ears += [item.channel_id for item in self.accounts.reached(prompt.channel_id) if item.bridge]
        prompt.ears = tuple(dict.fromkeys(ears))
        if prompt.script in TELLING:
            self.accounts.being_told(prompt.ears, self.time.now)
        elif prompt.script is Script.QUESTION:
            self.accounts.being_asked(prompt.ears, self.time.now)
        prompt.ends = self.time.after(LENGTHS.get(prompt.script, LENGTH), self._over, prompt)
        about = {"prompt": prompt.script.value, "language": "en", "text_version": "1"}
        self.say(Said(NoticeStarted(at=self.wall(), channel_id=prompt.channel_id, script=prompt.script, **about)))
        self.on_prompt(prompt, False)

    def _over(self, prompt: Prompt) -> None:
        """Played to its end."""
        if prompt.script is Script.NOTICE:
            self._change()
            self.accounts.told(prompt.ears, self.time.now)
            self.time.after(STAYED, self._time_passes)
        elif prompt.script is Script.LONG_NOTICE:
            self.accounts.explained(prompt.ears)
        script, at = prompt.script, self.wall()
        self.say(Said(NoticeEnded(at=at, channel_id=prompt.channel_id, script=script, prompt=script.value)))
        self.on_prompt(prompt, True)
        self._next(prompt.channel_id)

    def _time_passes(self) -> None:
        """Who has stayed on for so long has agreed to an announcement."""
        self._change()
        self._changed()

    def _next(self, channel_id: str) -> None:
        queue = self.prompts.get(channel_id, [])
        del queue[:1]
        if queue and self.parties[channel_id].alive:
            self._begin(queue[0])
        else:
            self._falls_silent(channel_id)

    def hush(self, channel_id: str, script: Script | None = None) -> None:
        """End what plays there, and what waits to be played; SCRIPT: that alone."""
        self._spoil(channel_id, "stopped", script)

    def _spoil(self, channel_id: str, reason: str, script: Script | None = None) -> None:
        before = self.prompts.pop(channel_id, [])
        kept = [prompt for prompt in before if script and prompt.script is not script]
        if kept:
            self.prompts[channel_id] = kept
        for prompt in (prompt for prompt in before if prompt not in kept):
            if prompt.ends:
                prompt.ends.cancel()
            failed = NoticeFailed(at=self.wall(), channel_id=channel_id, script=prompt.script, reason=reason)
            self.say(Said(failed))
            self._falls_silent(channel_id)
        if kept and kept[0].ends is None and self.parties[channel_id].alive:
            self._begin(kept[0])

    # ------------------------------------------------------------ our application
    def send_on(self, channel_id: str) -> bool:
        """A waiting channel goes on in the dialplan. Whether it waited."""
        party = self.parties.get(channel_id)
        if party is None or not party.alive or not party.waiting:
            return False
        self._spoil(channel_id, "stopped")
        self._waited(party)
        party.waiting, party.sent_on_at = False, self.time.now
        self.say(Said(ChannelLeft(at=self.wall(), channel_id=channel_id)))
        self.left(channel_id)
        return True

    def _falls_silent(self, channel_id: str) -> None:
        party = self.parties[channel_id]
        party.quiet_since = self.time.now if party.waiting else None

    def _waited(self, party: Party) -> None:
        """Its silence ends."""
        since, party.quiet_since = party.quiet_since, None
        if since is not None:
            self.accounts.waited(party, since, self.time.now)

    def waits(self, channel_id: str) -> bool:
        """Whether this channel waits in our application, or is gone."""
        party = self.parties.get(channel_id)
        return party is None or not party.alive or party.waiting

    def waiting(self) -> Iterator[Party]:
        """Channels that wait in our application."""
        return (party for party in self.parties.values() if party.alive and party.waiting)

    # ------------------------------------------------------------ recorders
    def start(self, recording_id: str, channel_id: str, *, muted: bool, full: bool) -> bool:
        """A recorder starts. FULL: its disk takes nothing, and nobody says so."""
        party = self.parties.get(channel_id)
        if party is None or not party.alive or recording_id in self.tapes:
            return False
        self._change()
        self.tapes[recording_id] = Tape(
            recording_id, channel_id, self.accounts.owners[recording_id], self.time.now, muted=muted, full=full
        )
        self._changed()
        return True

    def mute(self, recording_id: str, on: bool) -> bool:
        """Silence in its file, or sound. Whether it runs."""
        tape = self.tapes.get(recording_id)
        if tape is None or not tape.runs:
            return False
        self._change()
        tape.sounds_since = self.time.now if tape.muted and not on else tape.sounds_since
        tape.muted = on
        self._changed()
        return True

    def stop(self, recording_id: str) -> bool:
        """It stops. Whether it ran."""
        tape = self.tapes.get(recording_id)
        if tape is None or not tape.runs:
            return False
        self._change()
        self._end(tape)
        self._changed()
        return True

    def fill_disk(self, full: bool) -> None:
        """The disk takes no more, or does again: what was cut short stays so."""
        self._change()
        for tape in self.tapes.values():
            tape.full = tape.full or (full and tape.runs)
        self._changed()

    def _end(self, tape: Tape) -> None:
        tape.end(self.time.now)
        self.on_end(tape)
