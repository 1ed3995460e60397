"""callguard guard: one a data directory, and its account."""

from __future__ import annotations

import fcntl
from pathlib import Path

from callguard.cli.option import ami_address, load
from tests.cli.command import callguard, site


def test_a_second_guard_leaves_at_once(tmp_path: Path) -> None:
    config = site(tmp_path)
    with (tmp_path / "data" / "guard.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert callguard("guard", "--config", config).status == 0
    assert not (tmp_path / "data" / "guard.pid").exists()


def test_it_has_an_account_of_its_own_where_one_is_named(tmp_path: Path) -> None:
    config = site(tmp_path)
    assert ami_address(load(config), for_guard=True).user == "u"
    config.write_text(config.read_text() + '[guard]\nami_user = "g"\nami_secret = "other"\n')
    own = ami_address(load(config), for_guard=True)
    assert (own.user, own.secret, ami_address(load(config)).user) == ("g", "other", "u")
