"""Recorders and key sequences in the files beside the dialplan: features, queues, confbridge and agents.conf.

What belongs here: one rule a file. What does not: the dialplan (recorder.py). Only files that were given are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from callguard.lint.argument import split
from callguard.lint.finding import Finding, blocker, warning
from callguard.lint.flow import calls
from callguard.lint.graph import Graph
from callguard.lint.recorder import RECORDERS, feature_options
from callguard.lint.tree import Entry, Section, Tree

_TRUE = ("yes", "true", "on", "1", "y", "t")
_ONE_TOUCH = ("automon", "automixmon")
_KEYS = set("0123456789*#ABCD")
_DISCONNECT = "*"
ANSWERS = ("1", "2", "9")
"""The keys of the question itself, which is also asked of people who are bridged already."""


def beside(tree: Tree, sequences: Sequence[str]) -> Iterator[Finding]:
    """Everything that these files switch on against callguard. SEQUENCES: the keys that callguard listens for."""
    for kind, sections in tree.beside.items():
        for section in sections if kind in _FILES else ():
            for entry in section.entries:
                yield from _FILES[kind](section, entry, sequences)


def _features(section: Section, entry: Entry, sequences: Sequence[str]) -> Iterator[Finding]:
    name = entry.name.lower()
    if section.name == "featuremap" and name in _ONE_TOUCH and entry.value:
        text = f"{name} is on a key: one option of a Dial or Queue, and a party records by it"
        yield warning("one-touch", entry.place, text, f"{name} => (empty), or no such line")
    elif section.name == "applicationmap" or section.name not in ("general", "featuremap", "globals"):
        yield from _mapped(entry)
    keys = split(entry.value)[0]
    if section.name in ("featuremap", "applicationmap") and (own := _collision(keys, (*sequences, *ANSWERS))):
        text = f"the keys of {name} are, or begin like, callguard's {own}: one of the two is not heard"
        fix = "other keys here, or another sequence in policy.toml; lint takes those of a file by --policy"
        yield blocker("key-collision", entry.place, text, fix)


def _mapped(entry: Entry) -> Iterator[Finding]:
    if any(piece.partition("(")[0].strip().lower() in RECORDERS for piece in split(entry.value)):
        text = "a key sequence starts a recorder, whatever the other party agreed to"
        yield blocker("one-touch", entry.place, text, "remove it")


def disconnecting(tree: Tree, graph: Graph, sequences: Sequence[str]) -> Iterator[Finding]:
    """Options h and H hang up at a key of their own, `*` where features.conf says nothing else."""
    sections = tree.beside.get("features")
    own = next((each for each in sequences if each.startswith(_DISCONNECT)), "")
    if sections is None or not own or any(_is_set(section) for section in sections):
        return
    for step in graph.plan.steps():
        letters = {letter for one in calls(step, graph.plan) for letter in feature_options(one)}
        if letters & {"h", "H"}:
            text = f"option h or H of {step.app} hangs up at {_DISCONNECT}, with which callguard's {own} begins"
            yield blocker("key-collision", step.place, text, "features.conf: [featuremap] disconnect => **")
            return  # one line of features.conf mends them all


def _is_set(section: Section) -> bool:
    return section.name == "featuremap" and any(entry.name.lower() == "disconnect" for entry in section.entries)


def _collision(keys: str, sequences: Sequence[str]) -> str:
    keys = keys.strip()
    if not keys or set(keys.upper()) - _KEYS:
        return ""
    return next((own for own in sequences if own.startswith(keys) or keys.startswith(own)), "")


def _queues(section: Section, entry: Entry, _: Sequence[str]) -> Iterator[Finding]:
    name = entry.name.lower()
    if name == "monitor-format" and entry.value:
        text = "the queue records every call, asked or not"
        yield blocker("queue-records", entry.place, text, "without monitor-format")
    elif name == "monitor-type" and entry.value:
        text = "monitor-type prepares the queue for recording by itself; it does once monitor-format is set"
        yield warning("queue-records", entry.place, text, "without monitor-type")


def _confbridge(section: Section, entry: Entry, sequences: Sequence[str]) -> Iterator[Finding]:
    menu = any(each.name.lower() == "type" and each.value.lower() == "menu" for each in section.entries)
    if menu and (own := _collision(entry.name, sequences)):
        text = f"a key of this conference menu is, or begins like, callguard's {own}: it does both"
        yield warning("key-collision", entry.place, text, "another key here")
    if entry.name.lower() in ("record_conference", "record_conversation") and entry.value.lower() in _TRUE:
        yield blocker("recorder", entry.place, "this conference is recorded", "record_conference=no")


def _agents(section: Section, entry: Entry, _: Sequence[str]) -> Iterator[Finding]:
    if entry.name.lower() == "recordagentcalls" and entry.value.lower() in _TRUE:
        yield blocker("recorder", entry.place, "every call of an agent is recorded", "recordagentcalls=no")


_FILES: dict[str, Callable[[Section, Entry, Sequence[str]], Iterator[Finding]]] = {
    "features": _features,
    "queues": _queues,
    "confbridge": _confbridge,
    "agents": _agents,
}
