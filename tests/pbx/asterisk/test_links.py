from __future__ import annotations

import random
from itertools import islice

from callguard.pbx.asterisk.links import delays


def test_doubles_from_a_fifth_of_a_second_to_five() -> None:
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    tries = list(islice(delays(random.Random(1)), 8))
    assert all(most / 2 <= seconds <= most for seconds, most in zip(tries, longest, strict=True))


def test_two_controllers_do_not_knock_together() -> None:
    assert list(islice(delays(random.Random(1)), 5)) != list(islice(delays(random.Random(2)), 5))
