"""Sites for the benchmarks: the same as the live tests'; and how often to measure."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import folder, own_site, site

__all__ = ["folder", "own_site", "site"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`./dev bench --trials 1000`: for figures that are to be shown."""
    parser.addoption("--trials", type=int, default=100, help="how often each latency of a live call is measured (100)")


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> int:
    """How often a latency of a live call is measured."""
    return int(request.config.getoption("--trials", 100))
