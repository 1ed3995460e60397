"""One process of a kind in a data directory, which is one that can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.cli.alone import alone
from callguard.errors import BadInput
from tests.cli.command import callguard, site


def test_the_second_is_told_so_and_the_next_one_is_first_again(tmp_path: Path) -> None:
    lock = tmp_path / "data" / "a.lock"
    with alone(lock) as first, alone(lock) as second:
        assert first and not second
    with alone(lock) as again:
        assert again and lock.parent.stat().st_mode & 0o777 == 0o700


def test_what_goes_wrong_meanwhile_is_not_taken_for_the_lock(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="something else"), alone(tmp_path / "a.lock"):
        raise OSError("something else")


@pytest.mark.parametrize("place", ["data", "data/inside"])
@pytest.mark.parametrize("command", ["run", "guard"])
def test_a_data_directory_that_is_none_is_said_in_a_sentence(tmp_path: Path, command: str, place: str) -> None:
    config = site(tmp_path)
    (tmp_path / "data").rmdir()
    (tmp_path / "data").touch()
    config.write_text(config.read_text().replace('data_dir = "data"', f'data_dir = "{place}"'))
    done = callguard(command, "--config", config)
    assert (done.status, done.out) == (2, b"") and "the data directory cannot be used" in done.err
    assert "Traceback" not in done.err


def test_a_lock_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(BadInput, match="Is a directory"), alone(tmp_path / "a.lock"):
        raise AssertionError
