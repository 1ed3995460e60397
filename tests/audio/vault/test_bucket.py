"""The bucket, through a proxy that answers 503, hangs, cuts the line in mid-upload, or finds our clock wrong."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from callguard.audio.vault.bucket import Address, Bucket
from callguard.errors import ShelfDown
from tests.audio.vault.s3 import S3, client

PART = 5 * 1024 * 1024


def name() -> str:
    return f"{uuid.uuid4().hex}.cgv"


def bucket_name() -> str:
    return f"faults-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize("faults", [[503, 503], ["hang"], ["half"], [500, "half", 503]])
def test_faults_that_pass_are_overcome(s3: S3, faults: list[int | str]) -> None:
    shelf, own = Bucket(s3.address(bucket_name(), direct=False)), name()
    content = [b"y" * 100_000] * 60  # more than a part
    s3.proxy.faults[:] = [None, *faults]  # type: ignore[list-item]  # the upload is opened, then they come
    shelf.put(own, content)
    assert s3.proxy.faults == []
    s3.proxy.faults[:] = list(faults)
    assert shelf.fetch(own, 0, 6_000_000) == b"".join(content)
    assert s3.proxy.faults == []


def test_a_server_that_stays_away_is_not_reachable_and_leaves_no_object(s3: S3) -> None:
    address = s3.address(bucket_name(), direct=False)
    shelf, own = Bucket(address, retry_seconds=0.5), name()
    s3.proxy.faults[:] = [503] * 100
    with pytest.raises(ShelfDown, match="SlowDown"):
        shelf.put(own, [b"z" * 100_000] * 60)
    s3.proxy.faults.clear()
    assert shelf.size(own) is None and list(shelf.names()) == []
    with pytest.raises(ShelfDown):
        Bucket(Address("none", endpoint="http://127.0.0.1:9", access_key="k"), retry_seconds=0.2).size(own)


def test_a_clock_that_is_off_is_said(s3: S3) -> None:
    shelf = Bucket(s3.address(bucket_name(), direct=False))
    s3.proxy.faults[:] = ["skewed"]
    with pytest.raises(ShelfDown, match=r"RequestTimeTooSkewed.*clock is off"):
        shelf.fetch(name(), 0, 10)


def test_a_lock_is_set_where_the_bucket_has_locks(s3: S3) -> None:
    address, own = s3.address(bucket_name(), lock="governance", object_lock=True), name()
    shelf, until = Bucket(address), (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    shelf.put(own, [b"abc"])
    shelf.lock(own, until)
    kept = client(s3.endpoint).head_object(Bucket=address.bucket, Key=f"calls/{own}")
    assert kept["ObjectLockMode"] == "GOVERNANCE" and kept["ObjectLockRetainUntilDate"] == until
    without, other = Bucket(s3.address(bucket_name(), lock="compliance")), name()
    without.put(other, [b"abc"])
    with pytest.raises(ShelfDown, match="Object Lock"):
        without.lock(other, until)


def test_no_secret_is_shown() -> None:
    assert "s3cret" not in repr(Address("b", secret_key="s3cret"))
