"""Sites for the benchmarks: the same as the live tests'."""

from __future__ import annotations

from tests.e2e.conftest import folder, own_site, site

__all__ = ["folder", "own_site", "site"]
