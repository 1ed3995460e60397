"""Every adapter has its port's methods, with the same parameters: mypy sees types, this sees names and kinds."""

from __future__ import annotations

import inspect

import pytest

from callguard import ports
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog
from tests.fake_pbx import FakePbx

ADAPTERS = [
    (ports.Pbx, AsteriskPbx),
    (ports.Pbx, FakePbx),
    (ports.EventLog, PostgresLog),
    (ports.EventLog, MemoryLog),
]


@pytest.mark.parametrize(("port", "adapter"), ADAPTERS)
def test_an_adapter_answers_to_its_port(port: type, adapter: type) -> None:
    asked = {name: one for name, one in vars(port).items() if inspect.isfunction(one) and not name.startswith("_")}
    assert asked
    for name, method in asked.items():
        own = getattr(adapter, name)
        assert list(inspect.signature(own).parameters) == list(inspect.signature(method).parameters), name
        awaited = inspect.iscoroutinefunction(method)
        assert inspect.iscoroutinefunction(own) is awaited, name


def test_values_that_cross_a_port_cannot_be_changed() -> None:
    values = [one for _, one in inspect.getmembers(ports, inspect.isclass) if hasattr(one, "__dataclass_fields__")]
    own = [one for one in values if one.__module__ == ports.__name__]
    assert len(own) > 10 and all(getattr(one, "__dataclass_params__").frozen for one in own)  # noqa: B009
