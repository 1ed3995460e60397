"""From settings to the vault's adapters: where objects lie, who holds the keys, rows and incidents.

What belongs here: choosing. What does not: any one command, workers (bench.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from callguard.audio.vault.bucket import Address, Bucket
from callguard.audio.vault.folder import Folder
from callguard.audio.vault.keyfile import Files
from callguard.audio.vault.keyring import PublicKey, load_public
from callguard.audio.vault.port import Shelf
from callguard.cli.option import with_log
from callguard.engine import clock
from callguard.engine.registrar import Entry, enter
from callguard.errors import BadInput
from callguard.jobs.incident import Incidents
from callguard.jobs.spool import Spool
from callguard.settings import Settings
from callguard.store.artefact import Artefacts

NOT_SHIPPED = {"aws-kms": "AWS KMS", "pkcs11": "PKCS#11"}


def shelf_of(settings: Settings) -> Shelf:
    """The bucket that is named, else the directory."""
    own = settings.vault
    if not own.bucket:
        return Folder(settings.path(own.directory))
    return Bucket(
        Address(own.bucket, own.prefix, own.endpoint, own.region, own.access_key, own.secret_key, lock=own.lock)
    )


def key_files(settings: Settings) -> Files:
    """The files of the key pairs. Raises BadInput where another keeper is named."""
    own = settings.vault
    keeper = own.keys.partition(":")[0]
    if name := NOT_SHIPPED.get(keeper):
        raise BadInput(f"vault.keys: {name} is not shipped with this release: name a file of private keys")
    return Files(*map(settings.path, (own.public_key, own.keys, own.passphrase_file)))


def public_key(settings: Settings) -> PublicKey:
    """What a PBX host wraps with. Raises BadInput."""
    return load_public(settings.path(settings.vault.public_key))


def sealable(settings: Settings) -> Callable[[], bool]:
    """Whether what ends now can be sealed: without that no recording starts."""

    def there() -> bool:
        try:
            public_key(settings)
        except BadInput:
            return False
        return True

    return there


def spool_of(settings: Settings) -> Spool:
    """Where the PBX writes."""
    return Spool(settings.path(settings.recordings.directory))


@contextmanager
def rows(settings: Settings) -> Iterator[Artefacts]:
    """The vault's rows. Raises StoreDown."""
    with Artefacts.open(settings.database.url) as artefacts:
        yield artefacts


def incidents_of(settings: Settings, artefacts: Artefacts, tell: Callable[[str, str], None]) -> Incidents:
    """Where jobs say what a human must look at."""

    def put(entry: Entry) -> bool:
        return with_log(settings, lambda log: enter(log, settings.tenant, entry)) is not None

    return Incidents(artefacts, settings.tenant, put, lambda: clock.read().wall, tell)
