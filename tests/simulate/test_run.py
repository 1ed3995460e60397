from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulate.desk import ORDERS
from tests.simulate.fault import FAULTS
from tests.simulate.plot import MOST_PARTIES
from tests.simulate.run import Found, folder, many, play, some

FIRST, WORLDS = 401, 400
"""From that seed on; `./dev test` plays 17,600 besides, `./dev soak calls` a million."""
STORIES = (5, 42)
"""Worlds in which nothing breaks by itself, and a recording is started, masked and stopped."""

SEEN = {
    41909: "all hang up while what they took back is destroyed, and nobody waits for the receipt",
    7002956: "a call ends while neither log nor spool take its rows, and the controller dies with them",
    42002079: "who agreed and withdrew is asked once more as a visitor, and its file is kept as its call type says",
    6157: "a full disk takes what would have been silence under a mask, and next to nothing else",
    10955: "the clock is set back by the second that a full disk has taken from a file",
    1013632: "an operator says of a caller who waits in another call that it agrees here",
    2004436: "a strict guest, whom a controller heard of in its last moment, left before the next one looked",
    2007723: "a 9 as the notice ends, and a 1 and a 2 in the middle of the long one",
    3000530: "an agent pauses who was dialled, and led away, while the link was lost",
    3028724: "an agent of another call sits where the law wants an express answer",
    12214: "the star of a withdrawal is pressed in one call, and its seven in another",
    9565: "a number that is typed while a caller is asked anew has a 2 in it",
    11325: "who takes an order to believe a word and to doubt it writes down the first and dies",
    3015417: "an agent holds before another controller can take its call over",
    3002490: "an agent holds once more, and the news of that are lost",
    4064476: "an unmask is done and its answer lost, of a recorder that was silent from its start",
    2022286: "a visitor of whose place nothing is known makes the rule grow, and leaves",
    4080769: "an operator says of a party that visits another call that somebody is with it",
    4064886: "somebody is with a caller who said nothing, of whom an agent says that it agrees",
    4022660: "a controller dies between two rows about who came into a call",
    4029767: "a controller dies before it has written down who an agent is",
    4041291: "the guard stops a recorder that is about to start",
    21015687: "an agent holds as a caller of another call comes into its bridge",
    2075782: "a number behind a question that a lost link cut off has a 2 in it, and an agent says that it agrees",
    2117036: "a link that was lost is back between two keys of a number, and its recorder is being replaced",
    2018347: "a 1 right behind a 2, of which nobody had heard yet",
    21050789: "who was attested presses 1 before a law wants its own word",
    21078003: "a number that is typed has a 1 in it as the rule grows, before the question begins",
    20089909: "the news that an agent comes overtake those that the caller has gone",
    30011734: "a 1 is under way as an agent says that the caller agrees, and somebody that this is argued about",
    30022273: "a stranger comes in while the log is away from which the call has to be taken over",
    40013182: "the news that an agent comes overtake those that a caller who was alone has gone",
    40014197: "a controller dies between the rows that a visitor belongs to a call and that it is in its bridge",
    41035379: "a caller whose question cannot be played types a 2 much later, and an agent says that it agrees",
    50008488: "a third party meets a caller of another call before its own call can know that it was dialled",
    51033989: "a visitor types a number when it is in the bridge no more",
    51042950: "the guard stops a recorder whose start nobody answered for, and it cannot be masked then",
    70021064: "a caller comes in as its controller dies, and is known to nobody before the next one",
    4082000: "a number is begun as one recorder stops and goes on as the next one starts",
    28848: "a key just before the sound and three behind it may be the number that an operator then ends",
    649923: "an operator says that somebody is with a caller in the very millisecond in which its notice ends",
    224004: "a controller dies as it hears of a withdrawal, before it is written down: nothing is destroyed for it",
    3120718: "no word comes about a start and a stop as the caller hangs up",
    3134198: "a guest who heard the caller's notice, and agreed to it, is told by one of its own",
    6139648: "a number has a 2 in it, in a notice that the link was lost under",
    5006756: "a disk is full, and no word comes about an unmask before the call ends",
    3612643: "a guest whom another call told is told by its own",
    732173: "an operator's second word waits behind the first one, which a slow log takes a second for",
    425560: "the fourth key of a number comes as its caller is led into another call",
    527021: "a call ends, and its controller dies, before a log that hangs has the rules that it stands under",
    125162: "an operator says that somebody is with a caller a millisecond before its notice ends",
    7199: "an agent pauses who was dialled while no controller was there, and whom the next one finds with two callers",
    34103: "a stranger in two calls presses 1 in the middle of the second one's notice",
    78930: "an operator says that somebody is with a caller who came in unheard, and is a stranger in another call",
    183507: "an agent transfers a call that nobody has taken over, for the log is away",
    854546: "a halt comes between the news of a caller and the same news once more",
}
"""Worlds that once showed a mistake, of the product or of the accounts about it."""


@pytest.fixture(scope="module")
def data() -> Iterator[str]:
    with folder() as name:
        yield name


@pytest.mark.requirement("S123")
@pytest.mark.requirement("S125")
def test_fault_rtpengine_2136_no_call_breaks_a_promise_whatever_breaks() -> None:
    found = Found()
    for few in many(FIRST, WORLDS):
        found.merge(few)
        assert few.lines == []
    assert found.worlds == WORLDS <= found.sums["calls"]
    assert found.sums["recorded"] > WORLDS and found.sums["incidents"] > 0
    assert found.sums["most parties"] == MOST_PARTIES
    assert {fault.__name__ for fault in FAULTS if not found.sums[f"fault {fault.__name__}"]} == set()
    assert {order.__name__ for order in ORDERS if not found.sums[f"order {order.__name__}"]} == set()


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("seed", STORIES)
def test_a_controller_may_be_killed_at_every_await(seed: int, data: str) -> None:
    whole = play(seed, data)
    assert whole.sums["faults"] == 0 < whole.sums["recorded"] and whole.sums["requests"] > 5
    broken = {}
    for callbacks in range(1, int(whole.sums["callbacks"])):
        book = play(seed, data, crash=callbacks)
        if book.violations or book.sums["crashes"] != 1:
            broken[callbacks] = book.violations
    assert broken == {}


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("seed", SEEN)
def test_what_went_wrong_once_does_not_again(seed: int, data: str) -> None:
    assert play(seed, data).violations == []


def test_parts_add_up_to_the_same_as_the_whole() -> None:
    whole, parts = some(1, 250), Found()
    for part in many(1, 250, processes=2):
        parts.merge(part)
    assert parts.summary() == whole.summary()
    assert parts.sums["most react"] == whole.sums["most react"] > 0
