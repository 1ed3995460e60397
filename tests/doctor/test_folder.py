from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callguard.audio.prompt import shipped_prompts
from callguard.core.policy import parse_policy
from callguard.doctor import folder
from tests.doctor.healthy import healthy, said, severities, with_host, with_pbx, with_plan

NOBODY = 65534


def test_a_healthy_site(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    checks = (folder.recordings, folder.shared, folder.data, folder.key, folder.configuration, folder.alerts)
    assert [finding for check in checks for finding in check(site)] == []


@pytest.mark.parametrize(
    "harm, expected",
    [
        (lambda path: path.rmdir(), "blocker"),
        (lambda path: (path.rmdir(), path.touch()), "blocker"),
        (lambda path: path.chmod(0o755), "warning"),
        (lambda path: path.chmod(0o777), "warning"),
    ],
)
def test_what_may_be_wrong_with_the_recordings_folder(
    tmp_path: Path, harm: Callable[[Path], object], expected: str
) -> None:
    site = healthy(tmp_path)
    harm(site.plan.recordings)
    assert severities(folder.recordings, site) == [expected]


def test_a_disk_under_its_floor(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert severities(folder.recordings, with_plan(tmp_path, floor=free * 2)) == ["blocker"]
    assert severities(folder.recordings, with_plan(tmp_path, floor=free * 3 // 4)) == ["warning"]


@pytest.mark.fault("signalwire/freeswitch#2269")
def test_the_file_system_is_the_innermost_one(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    real = tmp_path.resolve()
    mounts.write_text(f"a / ext4 rw 0 0\nb {real}/a\\040b nfs4 rw 0 0\nshort\nc /elsewhere xfs rw 0 0\n")
    (tmp_path / "a b").mkdir()
    assert folder.filesystem(tmp_path / "a b", mounts) == "nfs4" in folder.NETWORK
    assert folder.filesystem(tmp_path, mounts) == "ext4"
    assert folder.filesystem(tmp_path, tmp_path / "none") == ""


@pytest.mark.parametrize(("seen", "expected"), [(None, "warning"), (False, "blocker")])
def test_an_asterisk_that_sees_another_folder(tmp_path: Path, seen: bool | None, expected: str) -> None:
    assert severities(folder.shared, with_pbx(tmp_path, same_folder=seen)) == [expected]


def test_an_asterisk_that_may_not_write(tmp_path: Path) -> None:
    assert severities(folder.shared, with_host(tmp_path, pbx_user=NOBODY)) == ["blocker"]
    assert severities(folder.shared, with_host(tmp_path, pbx_user=None)) == ["warning"]


def test_the_data_directory(tmp_path: Path) -> None:
    assert severities(folder.data, with_plan(tmp_path, data=tmp_path / ("d" * 120))) == ["blocker"]
    assert not said(folder.data, with_plan(tmp_path, data=tmp_path / "made" / "later"))
    site = healthy(tmp_path)
    site.plan.data.chmod(0o750)
    assert severities(folder.data, site) == ["warning"]
    (tmp_path / "file").touch()
    assert severities(folder.data, with_plan(tmp_path, data=tmp_path / "file")) == ["blocker"]


def test_permissions_seen_with_the_eyes_of_another_user(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    assert not said(folder.user, site)
    if os.getuid() == 0:
        os.chown(site.plan.data, NOBODY, NOBODY)
    else:
        site = with_plan(tmp_path, data=Path("/"))
    [found] = folder.user(site)
    assert found.what.startswith("not checked") and found.change.startswith("sudo -u ")


def test_the_length_of_a_socket_is_counted_to_the_byte(tmp_path: Path) -> None:
    room = folder.SOCKET_BYTES - len(os.fsencode(tmp_path)) - len("//control.sock")
    if room < 1:
        pytest.fail("the test's own folder is too long")
    assert not said(folder.data, with_plan(tmp_path, data=tmp_path / ("d" * room)))
    assert severities(folder.data, with_plan(tmp_path, data=tmp_path / ("d" * (room + 1)))) == ["blocker"]


def test_the_master_key(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    site.plan.master_key.chmod(0o640)
    assert severities(folder.key, site) == ["blocker"]
    site.plan.master_key.unlink()
    assert severities(folder.key, site) == ["blocker"]


def test_a_configuration_that_others_can_read(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    site.plan.config.chmod(0o644)
    assert severities(folder.configuration, site) == ["warning"]


def test_incidents_that_nobody_is_told(tmp_path: Path) -> None:
    assert severities(folder.alerts, with_plan(tmp_path, syslog="")) == ["warning"]
    assert severities(folder.alerts, with_plan(tmp_path, syslog=str(tmp_path / "none"))) == ["warning"]
    assert not said(folder.alerts, with_plan(tmp_path, syslog=str(tmp_path)))


def test_prompts_that_are_missing_altered_or_unreadable(tmp_path: Path) -> None:
    own = tmp_path / "prompts"
    shutil.copytree(shipped_prompts(), own)
    assert not [what for _, what in said(folder.prompts, with_plan(tmp_path, prompts=own)) if "prompt" in what]
    odd = parse_policy({"call_type": {"a": {"purpose": "qa", "notice": "notice-of-ours"}}})
    found = said(folder.prompts, with_plan(tmp_path, prompts=own, policy=odd))
    assert ("blocker", "no prompt notice-of-ours in en") in found
    with (own / "en" / "question.wav").open("ab") as file:
        file.write(b"x")
    [(severity, what)] = said(folder.prompts, with_plan(tmp_path, prompts=own))
    assert severity == "blocker" and "prompt question" in what
    shutil.rmtree(own)
    assert severities(folder.prompts, with_plan(tmp_path, prompts=own)) == ["blocker"]
    assert said(folder.prompts, with_plan(tmp_path, policy=None))[0][1].startswith("not checked")


def test_prompts_that_asterisk_may_not_read(tmp_path: Path) -> None:
    own = tmp_path / "prompts"
    shutil.copytree(shipped_prompts(), own)
    own.chmod(0o700)
    site = with_plan(tmp_path, prompts=own)
    [found] = folder.prompts(type(site)(plan=site.plan, pbx=site.pbx, host=with_host(tmp_path, pbx_user=NOBODY).host))
    assert found.severity == "blocker" and "no notice can be played" in found.what


def test_a_call_type_that_is_never_recorded_needs_no_prompt(tmp_path: Path) -> None:
    never = parse_policy({"call_type": {"a": {"purpose": "qa", "mode": "never", "language": "xx"}}})
    assert not said(folder.prompts, with_plan(tmp_path, policy=never))


def test_events_that_were_left_behind(tmp_path: Path) -> None:
    spool = healthy(tmp_path).plan.spool
    assert severities(folder.spool, healthy(tmp_path)) == []
    spool.mkdir()
    (spool / "00000001.jsonl").touch()
    assert severities(folder.spool, healthy(tmp_path)) == []
    for name in ("00000001.aside", "00000002.aside"):
        (spool / name).touch()
    [(severity, what)] = said(folder.spool, healthy(tmp_path))
    assert severity == "warning" and what.startswith("2 file(s)")
