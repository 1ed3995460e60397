"""The engine of the simulation, and engines with one defect each: what a simulation has to find.

What belongs here: a defect, in as few lines as a careless change would be. What does not: which seeds show it
(test_defect.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.effects import Effect, MaskRecording, SendOn, StartRecording, StopRecording, UnmaskRecording
from callguard.core.events import DeadlinePassed, DigitPressed, Event, ListeningStarted
from callguard.engine.engine import Engine
from callguard.engine.runner import Pending, Runner
from callguard.engine.stranger import Strangers
from callguard.engine.switchboard import Fact
from callguard.ports import Batch, Entered

NEVER = 1e9


class Sound(Engine):
    """The engine without its watch over a folder: here are no files on a disk that somebody else could have written."""

    def _strangers(self) -> Strangers:
        watch = super()._strangers()
        watch.every = NEVER
        return watch


class _Driven(Sound):
    """An engine whose calls have runners of another kind."""

    kind: type[Runner] = Runner

    def start(self, runner: Runner) -> Runner:
        """With a runner of that kind in its place."""
        return super().start(self.kind(**{item.name: getattr(runner, item.name) for item in fields(Runner)}))


class IgnoresThirdParties(Sound):
    """Guests are nobody's business."""

    def _deliver(self, facts: list[Fact], raw: Mapping[str, Any]) -> None:
        super()._deliver([fact for fact in facts if not fact[1].channel_id.startswith("guest")], raw)


class IgnoresListeners(Sound):
    """Only who is in a bridge hears anything."""

    def _deliver(self, facts: list[Fact], raw: Mapping[str, Any]) -> None:
        super()._deliver([fact for fact in facts if not isinstance(fact[1], ListeningStarted)], raw)


class TellsOneCallOfListeners(Sound):
    """Who listens is on the call of the channel that it hears, and on none that this channel visits."""

    def _deliver(self, facts: list[Fact], raw: Mapping[str, Any]) -> None:
        told = [fact for fact in facts if isinstance(fact[1], ListeningStarted)]
        super()._deliver([fact for fact in facts if fact not in told[1:]], raw)


class _Hasty(Runner):
    def decide(self, event: Event, raw: Mapping[str, Any]) -> Pending:
        pending = super().decide(event, raw)
        for effect in pending.permissive:
            self.promised.remove(effect)
            self.world.carry_out(self.call, effect)
        return pending


class ActsBeforeTheCommit(_Driven):
    """Starts and unmasks before the rows that explain it are durable."""

    kind = _Hasty


class _Trusting(Runner):
    def feed(self, event: Event, raw: Mapping[str, Any] | None = None) -> None:
        if isinstance(event, DeadlinePassed) and event.name.partition(":")[0] in ("last_answer", "answer"):
            event = DigitPressed(at=event.at, channel_id=self.call.anchor, digit="1")
        super().feed(event, raw)


class GrantsOnSilence(_Driven):
    """Who says nothing has agreed."""

    kind = _Trusting


class _Generous(Runner):
    def decide(self, event: Event, raw: Mapping[str, Any]) -> Pending:
        pending = super().decide(event, raw)
        for channel in tuple(self.call.live()):
            self.call = self.call.change(channel.channel_id, standing=Standing.GRANTED)
        return pending


class QuorumAlwaysHolds(_Driven):
    """Everybody who is there stands as the rule demands."""

    kind = _Generous


class _Losing(Sound):
    lost: type[Effect] = Effect

    def carry_out(self, call: Call, effect: Effect) -> None:
        """All but that."""
        if not isinstance(effect, self.lost):
            super().carry_out(call, effect)


class LosesStops(_Losing):
    """A stop never leaves it."""

    lost = StopRecording


class LosesMasks(_Losing):
    """A mask never leaves it."""

    lost = MaskRecording


class NeverStarts(_Losing):
    """Nothing is ever recorded."""

    lost = StartRecording


class StaysMasked(_Losing):
    """A mask never ends."""

    lost = UnmaskRecording


class LosesCallers(_Losing):
    """Nobody is sent on."""

    lost = SendOn


class LosesRows(Sound):
    """Every fifth time nothing is written, and nobody says so."""

    count = 0

    async def keep(self, batches: Sequence[Batch]) -> bool:
        """Says that it did."""
        self.count += 1
        return True if self.count % 5 == 0 else await super().keep(batches)


class _Forgetful(Runner):
    def decide(self, event: Event, raw: Mapping[str, Any]) -> Pending:
        self.call = replace(self.call, barred=False)
        return super().decide(event, raw)


class ForgetsStops(_Driven):
    """A stop for good is over with the next thing that happens."""

    kind = _Forgetful


class _Credulous(Runner):
    def decide(self, event: Event, raw: Mapping[str, Any]) -> Pending:
        self.call = replace(self.call, disputed=False)
        return super().decide(event, raw)


class ForgetsDisputes(_Driven):
    """An agent's word counts again with the next thing that happens."""

    kind = _Credulous


class HaltsNobodyAtTheDoor(Sound):
    """A halt is for calls that are there."""

    def _entered(self, heard: Entered, raw: Mapping[str, Any]) -> None:
        self.entrance.halted = lambda call_type, dialled: False
        super()._entered(heard, raw)


DEFECTS: Mapping[str, type[Sound]] = {
    kind.__name__: kind
    for kind in (
        IgnoresThirdParties, ActsBeforeTheCommit, GrantsOnSilence, QuorumAlwaysHolds, LosesStops, LosesMasks,
        LosesCallers, LosesRows, NeverStarts, StaysMasked, ForgetsStops, ForgetsDisputes, HaltsNobodyAtTheDoor,
        IgnoresListeners, TellsOneCallOfListeners,
    )
}  # fmt: skip
