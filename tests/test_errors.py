"""The exception tree as its docstring draws it, with the exit status of each."""

from __future__ import annotations

import inspect
import re

import pytest

from callguard import errors

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_drawn_with_its_exit_status(kind: type[errors.CallguardError]) -> None:
    drawn = re.search(rf"{kind.__name__}\b +(?:exit (\d))?", errors.__doc__ or "")
    assert drawn and issubclass(kind, errors.CallguardError)
    parent = kind.__base__
    assert parent is not None
    expected = int(drawn[1]) if drawn[1] else getattr(parent, "exit_code", 1)
    assert kind.exit_code == expected
