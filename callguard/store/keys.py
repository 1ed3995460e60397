"""Custody of keys: the master key, the data keys that it wraps, and what they seal.

What belongs here: AES-256-GCM over small JSON values, wrapping, the search code of a number. What does not: audio
(vault), where wrapped keys lie (postgres.py). Destroying a wrapped data key is erasure: nothing else opens what it
sealed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callguard.errors import BadInput, CannotDecrypt
from callguard.store.chain import Plain, canonical

KEY_BYTES = 32
NONCE_BYTES = 12
ENVIRONMENT = "CALLGUARD_MASTER_KEY"


class MasterKey:
    """The key that wraps data keys. It never shows itself: its repr is its fingerprint."""

    def __init__(self, secret: bytes) -> None:
        """SECRET: 32 random bytes. Raises BadInput for any other length."""
        if len(secret) != KEY_BYTES:
            raise BadInput(f"A master key is {KEY_BYTES} bytes, not {len(secret)}: make one with callguard init.")
        self._wrapping = _derive(secret, b"callguard wrap")
        self._searching = _derive(secret, b"callguard search")
        self._signing = _derive(secret, b"callguard sign")
        self.fingerprint = hashlib.sha256(_derive(secret, b"callguard fingerprint")).hexdigest()[:16]

    def __repr__(self) -> str:
        """The fingerprint only."""
        return f"MasterKey({self.fingerprint})"

    def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """DATA_KEY sealed for storage; AAD binds it to its place (key id)."""
        return _seal(self._wrapping, data_key, b"key:" + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The data key. Raises CannotDecrypt."""
        return _open(self._wrapping, wrapped, b"key:" + aad)

    def sign(self, content: bytes) -> bytes:
        """32 bytes that nobody makes for CONTENT without this key."""
        return hmac.digest(self._signing, content, "sha256")

    def search_hmac(self, number: str) -> bytes | None:
        """32 bytes that find NUMBER again without holding it; spaces and dashes do not matter. None: no digits."""
        digits = "".join(sign for sign in number if sign in "+0123456789")
        return hmac.digest(self._searching, digits.encode(), "sha256") if digits.strip("+") else None


def new_data_key() -> bytes:
    """A fresh key for AES-256-GCM."""
    return AESGCM.generate_key(bit_length=KEY_BYTES * 8)


def encrypt(data_key: bytes, value: object, aad: bytes) -> bytes:
    """VALUE (JSON) sealed under DATA_KEY; AAD says whose it is, so that it cannot be moved to another row."""
    return _seal(data_key, canonical(value), aad)


def decrypt(data_key: bytes, sealed: bytes, aad: bytes) -> dict[str, Plain]:
    """The JSON object that was sealed. Raises CannotDecrypt."""
    return cast(dict[str, Plain], json.loads(_open(data_key, sealed, aad)))


def create_master_key(path: Path) -> MasterKey:
    """Make PATH (mode 0600) with a fresh master key. Raises BadInput when something is there already."""
    secret = os.urandom(KEY_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadInput(
            f"{path} exists already: a master key is never overwritten, it would lose what it sealed."
        ) from None
    except OSError as error:
        raise BadInput(f"{path} cannot be made: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secret) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return MasterKey(secret)


def load_master_key(path: Path | None, environ: Mapping[str, str] = os.environ) -> MasterKey:
    """The master key from CALLGUARD_MASTER_KEY (base64) if that is set, else from PATH. Raises BadInput."""
    if text := environ.get(ENVIRONMENT):
        return _decode(text, ENVIRONMENT)
    if path is None:
        raise BadInput(f"No master key: set {ENVIRONMENT}, or name a file made by callguard init.")
    try:
        mode, content = path.stat().st_mode, path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Master key {path} cannot be read: {getattr(error, 'strerror', 'not base64')}.") from None
    if mode & 0o077:
        raise BadInput(f"Master key {path} can be read by others (mode {mode & 0o777:o}): run chmod 600 on it.")
    return _decode(content, str(path))


def _decode(text: str, where: str) -> MasterKey:
    try:
        return MasterKey(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise BadInput(f"{where} is not base64 of {KEY_BYTES} bytes.") from None


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


def _seal(key: bytes, content: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, aad)


def _open(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise CannotDecrypt("A sealed value does not open: another master key, or the value was altered.") from None
