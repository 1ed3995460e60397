"""callguard verify where there is nothing to verify, and how one names what to verify."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callguard.proof import LIMITS
from tests.cli.command import callguard, database, site


def test_an_empty_database_has_no_finding_and_says_what_that_proves(tmp_path: Path) -> None:
    with database(tmp_path / "server") as server:
        config = site(tmp_path / "site", server.app_dsn)
        done = callguard("verify", "--all", "--config", config)
        assert done.status == 0 and done.text.strip() == f"0 activation(s), 0 call(s), 0 finding(s). {LIMITS}"
        document = json.loads(callguard("verify", "--all", "--config", config, "--json").out)
        assert document == {
            "calls": 0,
            "activations": 0,
            "older_than_register": 0,
            "findings": [],
            "limits": LIMITS,
        }


@pytest.mark.parametrize("named", [(), ("a-call", "--all")])
def test_one_call_or_all_but_not_both(named: tuple[str, ...]) -> None:
    assert callguard("verify", *named).status == 2


@pytest.mark.parametrize("command", [("verify", "--all"), ("reconcile",)])
def test_where_the_calls_that_are_live_cannot_be_seen_nothing_is_judged(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    config = site(tmp_path)
    live = tmp_path / "data" / "live"
    live.symlink_to(live)  # nobody can look into it, root neither
    done = callguard(*command, "--config", config)
    assert (done.status, done.out) == (2, b"") and done.err.startswith(f"callguard: {live}: cannot be read: ")
