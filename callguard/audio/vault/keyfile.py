"""Private keys in a file under a passphrase: the default keeper.

What belongs here: the file and its passphrase. What does not: key pairs (keyring.py), other keepers.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from callguard.audio.staged import staged
from callguard.audio.vault.keyring import Kind, PrivateKey
from callguard.errors import BadInput, CannotDecrypt

FORMAT = "callguard.vault-keys"
NONCE_BYTES, SALT_BYTES = 12, 16
COST = {"n": 1 << 15, "r": 8, "p": 1}
"""32 MiB and a tenth of a second for each guess."""
MOST_COST = 1 << 20
ENVIRONMENT = "CALLGUARD_VAULT_PASSPHRASE"
SHORTEST = 12
PASSPHRASE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Held:
    """A key pair in the file."""

    key: PrivateKey
    created_at: datetime

    @property
    def kid(self) -> str:
        """Its name."""
        return self.key.public.kid


@dataclass(frozen=True)
class KeyFile:
    """port.Custody on a file. `held`: oldest first; the newest is the one that new keys are wrapped under."""

    path: Path
    passphrase: str
    held: tuple[Held, ...] = ()

    def __repr__(self) -> str:
        """The file only."""
        return f"KeyFile({str(self.path)!r})"

    @classmethod
    def open(cls, path: Path, passphrase: str) -> Self:
        """Raises BadInput: not there, not ours, readable by others, another passphrase."""
        try:
            mode, document = path.stat().st_mode, json.loads(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path}: the vault's private keys cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise BadInput(f"{path}: no file of private keys: not JSON") from None
        if mode & 0o077:
            raise BadInput(f"{path} can be read by others (mode {mode & 0o777:o}): run chmod 600 on it")
        return cls(path, passphrase, _held(document, passphrase, str(path)))

    def kids(self) -> tuple[str, ...]:
        """See port.Custody."""
        return tuple(item.kid for item in self.held)

    def unwrap(self, kid: str, wrapped: bytes, key_id: uuid.UUID) -> bytes:
        """See port.Custody."""
        for item in self.held:
            if item.kid == kid:
                return item.key.unwrap(wrapped, key_id)
        raise CannotDecrypt(f"The private key {kid} is not in {self.path.name}: what it wrapped cannot be opened.")

    def with_new(self, kind: Kind, at: datetime) -> KeyFile:
        """This one with a fresh pair more; nothing is written yet."""
        return KeyFile(self.path, self.passphrase, (*self.held, Held(PrivateKey.generate(kind), at)))

    def without(self, kid: str) -> KeyFile:
        """This one without a pair; nothing is written yet."""
        return KeyFile(self.path, self.passphrase, tuple(item for item in self.held if item.kid != kid))

    def write(self) -> None:
        """Put it on the disk, whole or not at all. Raises BadInput."""
        if len(self.passphrase) < SHORTEST:
            raise BadInput(f"the passphrase of the vault's keys is too short: at least {SHORTEST} characters")
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        head = {"format": FORMAT, "version": 1, "kdf": {"name": "scrypt", **COST, "salt": _text(salt)}}
        held = [
            {"kind": item.key.kind, "secret": _text(item.key.secret), "created_at": item.created_at.isoformat()}
            for item in self.held
        ]
        key = _derive(self.passphrase, salt, COST)
        sealed = AESGCM(key).encrypt(nonce, json.dumps(held).encode(), _place(head))
        with staged(self.path, "the file of private keys") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(json.dumps({**head, "sealed": _text(nonce + sealed)}, indent=1).encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the key pairs of a site lie: the `public` key, the `private` ones, their `passphrase`."""

    public: Path
    private: Path
    passphrase: Path

    def create(self, kind: Kind, at: datetime) -> KeyFile:
        """A first pair, under a passphrase that nobody has seen where there is none yet. Raises BadInput when keys are
        there already: what they wrapped would be lost with them."""
        for path in (self.private, self.public):
            if os.path.lexists(path):
                raise BadInput(f"{path} exists already: keys of a vault are never overwritten; rotate makes new ones")
        if not os.environ.get(ENVIRONMENT) and not os.path.lexists(self.passphrase):
            _write_once(self.passphrase, secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n", 0o600)
        made = KeyFile(self.private, read_passphrase(self.passphrase)).with_new(kind, at)
        made.write()
        self.publish(made)
        return made

    def open(self) -> KeyFile:
        """Raises BadInput."""
        return KeyFile.open(self.private, read_passphrase(self.passphrase))

    def publish(self, keys: KeyFile) -> None:
        """Write the newest public key, which PBX hosts wrap with."""
        with staged(self.public, "the vault's public key") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(keys.held[-1].key.public.line().encode())


def _write_once(path: Path, text: str, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise BadInput(f"{path}: cannot be made: {error.strerror}") from None
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_passphrase(file: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """From CALLGUARD_VAULT_PASSPHRASE, else the first line of FILE. Raises BadInput."""
    if text := environ.get(ENVIRONMENT):
        return text
    if file is None:
        raise BadInput(f"no passphrase for the vault's keys: set {ENVIRONMENT} or vault.passphrase_file")
    try:
        mode, text = file.stat().st_mode, file.read_text("utf-8").split("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise BadInput(
            f"{file}: the passphrase of the vault's keys cannot be read ({reason}); or set {ENVIRONMENT}"
        ) from None
    if mode & 0o077:
        raise BadInput(f"{file} can be read by others (mode {mode & 0o777:o}): run chmod 600 on it")
    return text


def _held(document: Any, passphrase: str, where: str) -> tuple[Held, ...]:
    try:
        if document["format"] != FORMAT or document["version"] != 1:
            raise KeyError
        kdf, sealed = document["kdf"], base64.b64decode(document["sealed"], validate=True)
        cost = {name: int(kdf[name]) for name in COST}
        if cost["n"] * cost["r"] * cost["p"] > MOST_COST:
            raise ValueError
        key = _derive(passphrase, base64.b64decode(kdf["salt"]), cost)
        head = {name: value for name, value in document.items() if name != "sealed"}
        plain = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(head))
    except InvalidTag:
        raise BadInput(f"{where}: does not open: another passphrase, or the file was altered") from None
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BadInput(f"{where}: no file of private keys that this release knows") from None
    return tuple(map(_read, json.loads(plain)))


def _read(item: Mapping[str, str]) -> Held:
    key = PrivateKey(Kind(item["kind"]), base64.b64decode(item["secret"]))
    return Held(key, datetime.fromisoformat(item["created_at"]))


def _derive(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())


def _place(head: Mapping[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
