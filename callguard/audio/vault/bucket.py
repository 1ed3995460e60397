"""Objects in a bucket that speaks S3: another shelf.

What belongs here: obstore's calls, and boto3's one for Object Lock. What does not: what is in the objects
(container.py), a local directory (folder.py).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from callguard.audio.vault.folder import NAME
from callguard.errors import BadInput, NotThere, ShelfDown

CONNECT_SECONDS, REQUEST_SECONDS, RETRY_SECONDS, RETRIES = 5, 30, 60, 6
_CODE, _STATUS = re.compile(r"<Code>(\w{1,64})</Code>"), re.compile(r"status code: (\d{3})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a bucket is. `endpoint`: of a server that is not AWS; `lock`: the mode of Object Lock, '' for none."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    lock: str = ""


class Bucket:
    """port.Shelf on a bucket. 503s, timeouts and broken connections are tried again for about a minute."""

    def __init__(self, address: Address, retry_seconds: float = RETRY_SECONDS) -> None:
        """Reaches nothing yet."""
        self._address = address
        place: dict[str, Any] = {"region": address.region}
        if address.endpoint:
            place |= {"endpoint": address.endpoint, "virtual_hosted_style_request": False}
        if address.access_key:  # else as the machine says: environment, instance role
            place |= {"access_key_id": address.access_key, "secret_access_key": address.secret_key}
        self._store = S3Store(
            address.bucket,
            prefix=address.prefix or None,
            client_options={
                "allow_http": address.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=retry_seconds),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=10),
                    "base": 2,
                },
            },
            **place,
        )

    def put(self, name: str, blocks: Iterable[bytes]) -> None:
        """See port.Shelf. A long one goes in parts, which are given up when one of them fails."""
        with _translated():
            obstore.put(self._store, _checked(name), iter(blocks))

    def size(self, name: str) -> int | None:
        """See port.Shelf."""
        with _translated():
            try:
                return obstore.head(self._store, _checked(name))["size"]
            except FileNotFoundError:
                return None

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        """See port.Shelf."""
        if start >= stop:
            return b""
        with _translated():
            try:
                return bytes(obstore.get_range(self._store, _checked(name), start=start, end=stop))
            except FileNotFoundError:
                raise NotThere(f"object {name} is not in the vault") from None

    def lock(self, name: str, until: datetime) -> None:
        """Have the bucket itself refuse to lose the object before UNTIL, where that is wanted."""
        if not self._address.lock:
            return
        key = "/".join(part for part in (self._address.prefix.strip("/"), _checked(name)) if part)
        keep = {"Mode": self._address.lock.upper(), "RetainUntilDate": until}
        try:
            self._client.put_object_retention(Bucket=self._address.bucket, Key=key, Retention=keep)
        except self._errors as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
            raise ShelfDown(f"The bucket does not lock an object ({code}): was it made with Object Lock?") from None

    def delete(self, name: str) -> None:
        """See port.Shelf. Older versions in the bucket stay, without a key, until its own rules end them."""
        with _translated():
            obstore.delete(self._store, _checked(name))

    def names(self) -> Iterator[tuple[str, int]]:
        """See port.Shelf."""
        with _translated():
            for page in obstore.list(self._store):
                for item in page:
                    yield item["path"], item["size"]

    @cached_property
    def _client(self) -> Any:
        own = self._address
        try:
            boto3 = importlib.import_module("boto3")
        except ImportError:
            raise BadInput("vault.lock: needs boto3: pip install 'callguard[lock]'") from None
        return boto3.client(
            "s3",
            region_name=own.region,
            endpoint_url=own.endpoint or None,
            aws_access_key_id=own.access_key or None,
            aws_secret_access_key=own.secret_key or None,
        )

    @cached_property
    def _errors(self) -> tuple[type[BaseException], ...]:
        errors = importlib.import_module("botocore.exceptions")
        return (errors.ClientError, errors.BotoCoreError)


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise NotThere("an object's name that callguard never gave")
    return name


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        found = _CODE.search(str(error)) or _STATUS.search(str(error))
        reason = found[1] if found else type(error).__name__
        hint = ": this machine's clock is off" if reason == "RequestTimeTooSkewed" else ""
        raise ShelfDown(f"The vault's bucket cannot be used ({reason}){hint}.") from None
