"""Keys that callguard listens for, and what else listens for them; callers' text where it does harm.

What belongs here: bind_meta_app, bind_digit_action, conference controls, numbers of the dialplan that are the same
keys; names and numbers of callers in commands and file names. What does not: recorders on keys (recorder.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callguard.lint.beside import ANSWERS
from callguard.lint.finding import Finding, blocker, warning
from callguard.lint.freeswitch.plan import Plan, Step, assigned
from callguard.lint.freeswitch.recorder import RECORDERS
from callguard.lint.freeswitch.sample import samples
from callguard.lint.freeswitch.snippet import Trusted

META = "*"
"""What bind_meta_app listens for before its key, unless bind_meta_key says otherwise."""
_BOUND = re.compile(r"(?:^|[\s:'])[\w-]+,(~?[0-9*#A-D]{1,12}),(?:exec|api)")
_FOREIGN = re.compile(
    r"\$\{(?:caller_id_(?:name|number)|effective_caller_id_\w+|sip_(?:from|to|contact|h|req|P|rh)_\w+|destination_number)\b"
)


def keys(plan: Plan, trusted: Trusted, sequences: Sequence[str]) -> Iterator[Finding]:
    """Nothing else takes the keys for withdraw, pause or an answer. SEQUENCES: those of the policy."""
    meta = next((value for step in plan.steps() for name, value in [assigned(step)] if name == "bind_meta_key"), META)
    bound = ((step, keys) for step in plan.steps() if not trusted.is_ours(step) for keys in _bound(step, meta))
    for step, keys in bound:
        if own := collision(keys, (*sequences, *ANSWERS)):
            text = f"the keys of this {step.app} are, or begin like, callguard's {own}: one of the two is not heard"
            fix = "other keys here, or another sequence in policy.toml; lint takes those of a file by --policy"
            yield blocker("key-collision", step.place, text, fix)
    yield from _taken(plan, sequences)


def _taken(plan: Plan, sequences: Sequence[str]) -> Iterator[Finding]:
    """Conferences and numbers that mean something else by our keys."""
    for each in plan.settings:
        if each.name == "control" and (own := collision(each.value, sequences)):
            text = f"a key of this conference is, or begins like, callguard's {own}: it does both"
            yield warning("key-collision", each.place, text, "another key here")
    for extension in plan.extensions():
        if any(samples(text) == (own,) for text in extension.expressions for own in sequences):
            text = "a number of the dialplan is a key sequence of callguard's: people may take the one for the other"
            yield warning("key-collision", extension.place, text, "another number here, or other keys in policy.toml")


def _bound(step: Step, meta: str) -> Iterator[str]:
    """The keys that STEP binds."""
    if step.app == "bind_meta_app":
        yield meta + step.data[:1]
    if "bind_digit_action" in step.app or "bind_digit_action" in step.data:
        yield from (hit.lstrip("~") for hit in _BOUND.findall(step.data))


def collision(bound: str, sequences: Sequence[str]) -> str:
    """The first of SEQUENCES that BOUND takes keys of, '' for none."""
    if not bound:
        return ""
    return next((own for own in sequences if own.startswith(bound) or bound.startswith(own)), "")


def unfiltered(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """What a caller chose goes into no shell and no file name."""
    for step in plan.steps():
        harmful = step.app in ("system", "bgsystem") or "${system(" in step.data or "${bgsystem(" in step.data
        harmful = harmful or step.app in RECORDERS or "uuid_record" in step.data
        if harmful and _FOREIGN.search(step.data) and not trusted.is_ours(step):
            text = f"what a caller chose goes into {step.app}: into a shell or a file name"
            yield warning("unfiltered", step.place, text, "${uuid}, or nothing of the caller's")
