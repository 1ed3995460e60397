"""callguard run: what it refuses to start on. That it governs real calls is shown in tests/e2e."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.cli.command import callguard, site


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        ("", "call_type"),
        ('[call_type.support]\npurpose = "x"\nnotice = "none"\n', "no prompt none"),
        ('[call_type.support]\nmode = "maybe"\n', "call_type.support.mode"),
        ("[call_type.support\n", "line 1"),
    ],
)
def test_a_policy_that_cannot_be_used(tmp_path: Path, policy: str, part: str) -> None:
    config = site(tmp_path)
    (tmp_path / "policy.toml").write_text(policy)
    done = callguard("run", "--config", config)
    assert (done.status, done.out) == (2, b"") and part in done.err


def test_one_controller_a_data_directory(tmp_path: Path) -> None:
    config = site(tmp_path)
    with (tmp_path / "data" / "controller.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = callguard("run", "--config", config)
    assert done.status == 2 and "another controller" in done.err


def test_a_folder_of_prompts_that_is_not_there(tmp_path: Path) -> None:
    config = site(tmp_path)
    config.write_text(config.read_text() + '[prompts]\ndirectory = "no-such"\n')
    done = callguard("run", "--config", config)
    assert done.status == 2 and "language en" in done.err
