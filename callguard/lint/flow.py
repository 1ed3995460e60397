"""One step -> where it may lead. A table over the applications of Asterisk; no other step is looked at.

What belongs here: what an application means for the way of a call. What does not: finding the target (graph.py),
judging (the rules).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from callguard.lint.argument import branches, call, fill, head, options, split
from callguard.lint.model import Dialplan, Step

LOOP_END = "<endwhile>"
"""Priority of a target behind the end of its loop."""

NESTED = 5
"""How deep ExecIf(...?ExecIf(...)) is looked into."""


class Kind(Enum):
    """How a target is entered."""

    JUMP = auto()  # and does not come back
    CALL = auto()  # comes back by Return
    MACRO = auto()  # comes back at its end
    DIGITS = auto()  # by what the caller dials: any extension of the context
    LOCAL = auto()  # by a Local channel of its own
    NEW = auto()  # by another call, or a handler


@dataclass(frozen=True, slots=True)
class Target:
    """As written: `context` and `exten` are "" where the step's own are meant; `arguments` those of a Gosub."""

    context: str
    exten: str
    priority: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """`condition`: the text of the expression under which it is taken, or ""."""

    kind: Kind
    target: Target
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One application that a step may run: `name` as written; `condition` as in Edge."""

    name: str
    data: str
    condition: str = ""

    @property
    def app(self) -> str:
        """The name as Asterisk compares it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Flow:
    """`goes_on`: to the next priority as well; `returns`: to whoever called; `hidden`: what cannot be looked into."""

    edges: tuple[Edge, ...] = ()
    goes_on: bool = True
    returns: bool = False
    hidden: str = ""


NOWHERE = Flow(goes_on=False)


def calls(step: Step, plan: Dialplan) -> Iterator[Call]:
    """What STEP may run: ExecIf and its kin opened, constants put in. An empty `app`: nothing, as in an absent else."""
    yield from _open(Call(step.app, fill(step.data, plan.constants)), NESTED)


def _open(one: Call, depth: int) -> Iterator[Call]:
    if one.app not in ("execif", "execiftime", "exec", "tryexec") or depth == 0:
        yield one
        return
    condition, first, other = ("", one.data, "") if one.app.endswith("exec") else branches(one.data)
    for text in (first, other) if condition else (first,):
        name, data = call(text)
        yield from _open(Call(name, data, condition or one.condition), depth - 1)


def target(text: str) -> Target:
    """`context,exten,priority(arguments)`, of which the first two may be missing."""
    pieces = split(text)[:3]
    priority, arguments = head(pieces.pop())
    context, exten = [""] * (2 - len(pieces)) + pieces
    return Target(context, exten, priority, arguments)


def flow(one: Call) -> Flow:
    """Where ONE may lead."""
    handler = _HANDLERS.get(one.app)
    return handler(one) if handler else Flow()


def flows(step: Step, plan: Dialplan) -> Iterator[tuple[Call, Flow]]:
    """Each application that STEP may run, with its flow."""
    for one in calls(step, plan):
        yield one, flow(one)


# The applications


def _jump(one: Call) -> Flow:
    return Flow((Edge(Kind.JUMP, target(one.data), one.condition),), goes_on=False)


def _gosub(one: Call) -> Flow:
    return Flow((Edge(Kind.CALL, target(one.data), one.condition),), goes_on=False)


def _chosen(kind: Kind) -> Callable[[Call], Flow]:
    def handler(one: Call) -> Flow:
        condition, *ways = branches(one.data)
        edges = tuple(Edge(kind, target(way), condition) for way in ways if way)
        return Flow(edges, goes_on=not all(ways))

    return handler


def _macro(one: Call) -> Flow:
    name = split(one.data)[0]
    return Flow((Edge(Kind.MACRO, Target(f"macro-{name}", "s", "1"), one.condition),), goes_on=False)


def _macro_if(one: Call) -> Flow:
    condition, *ways = branches(one.data)
    names = [split(way)[0] for way in ways if way]
    edges = tuple(Edge(Kind.MACRO, Target(f"macro-{name}", "s", "1"), condition) for name in names)
    return Flow(edges, goes_on=not all(ways))


def _piece(data: str, index: int) -> str:
    pieces = split(data)
    return pieces[index] if len(pieces) > index else ""


def _digits(index: int | None, *, goes_on: bool) -> Callable[[Call], Flow]:
    def handler(one: Call) -> Flow:
        context = "" if index is None else _piece(one.data, index)
        return Flow((Edge(Kind.DIGITS, Target(context, "", "1")),), goes_on)

    return handler


def _end(_: Call) -> Flow:
    return NOWHERE


def _return(_: Call) -> Flow:
    return Flow(goes_on=False, returns=True)


def _hidden(what: str) -> Callable[[Call], Flow]:
    def handler(_: Call) -> Flow:
        return Flow(hidden=what)

    return handler


def _set(one: Call) -> Flow:
    """Handlers that run at the end of the call."""
    _, sign, value = one.data.partition("=")
    if "hangup_handler" not in one.data or not sign:
        return Flow()
    return Flow((Edge(Kind.NEW, target(value)),))


def _originate(one: Call) -> Flow:
    pieces = [*split(one.data), "", "", "", ""]
    if pieces[1].lower() != "exten":
        return Flow()
    return Flow((Edge(Kind.NEW, Target(pieces[2], pieces[3] or "s", pieces[4] or "1")),))


def _redirect(one: Call) -> Flow:
    return Flow((Edge(Kind.NEW, target(",".join(split(one.data)[1:]))),))


def _while(one: Call) -> Flow:
    return Flow((Edge(Kind.JUMP, Target("", "", LOOP_END)),), goes_on=one.app == "while")


def destinations(one: Call) -> list[str]:
    """What a Dial, Page or Queue-like application rings: technology/resource each."""
    return [piece for piece in split(_piece(one.data, 3 if one.app == "retrydial" else 0), "&") if piece]


def dial_option_text(one: Call) -> str:
    """The options of a Dial or RetryDial, as written."""
    return _piece(one.data, 5 if one.app == "retrydial" else 2)


def dial_options(one: Call) -> dict[str, str]:
    """The options of a Dial or RetryDial by letter."""
    return options(dial_option_text(one))


SUBROUTINES = "UMGFbB"
"""Options of Dial that send somebody elsewhere."""


def _dial(one: Call) -> Flow:
    edges = [_local(each) for each in destinations(one) if each.lower().startswith("local/")]
    for letter, argument in dial_options(one).items():
        if letter in SUBROUTINES and argument:
            edges.append(Edge(Kind.NEW, called(letter, argument)))
    return Flow(tuple(edges))


def _local(destination: str) -> Edge:
    """`Local/exten@context/options`, the exten perhaps with a variable that holds a slash."""
    exten, _, context = destination[len("local/") :].rpartition("@")
    context = context.partition("/")[0] if "$" not in context else context.removesuffix("/n")
    return Edge(Kind.LOCAL, Target(context, exten, "1") if exten else Target("default", context, "1"))


def called(letter: str, argument: str) -> Target:
    """Where option LETTER of Dial sends somebody: `context^exten^priority`, for U and M only the name."""
    pieces = argument.replace("^", ",").partition("(")[0].split(",")
    if letter in "UM":
        return Target(pieces[0] if letter == "U" else f"macro-{pieces[0]}", "s", "1")
    return target(",".join(pieces))


_HANDLERS: dict[str, Callable[[Call], Flow]] = {
    "goto": _jump,
    "gotoif": _chosen(Kind.JUMP),
    "gotoiftime": _chosen(Kind.JUMP),
    "gosub": _gosub,
    "gosubif": _chosen(Kind.CALL),
    "macro": _macro,
    "macroexclusive": _macro,
    "macroif": _macro_if,
    "background": _digits(3, goes_on=True),
    "waitexten": _digits(None, goes_on=True),
    "disa": _digits(1, goes_on=False),
    "directory": _digits(1, goes_on=True),
    "return": _return,
    "macroexit": _return,
    "hangup": _end,
    "busy": _end,
    "congestion": _end,
    "set": _set,
    "mset": _set,
    "originate": _originate,
    "channelredirect": _redirect,
    "dial": _dial,
    "retrydial": _dial,
    "page": _dial,
    "while": _while,
    "exitwhile": _while,
    "stasis": _hidden("an application of ARI"),
    "agi": _hidden("a script"),
    "eagi": _hidden("a script"),
    "deadagi": _hidden("a script"),
    "fastagi": _hidden("a script"),
    "externalivr": _hidden("a script"),
}
