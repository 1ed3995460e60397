"""Key pairs of the vault: the public half wraps the key of a recording by HPKE (RFC 9180), the private half opens it.

What belongs here: wrapping, opening, and how keys are written down. What does not: where private keys lie (keyfile.py),
where wrapped keys lie (store/artefact.py).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import uuid
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from callguard.errors import BadInput, CannotDecrypt

WORD = "callguard-vault-key"
X25519_BYTES = 32
MLKEM_PUBLIC, MLKEM_SEED = 1184, 64
KID_LENGTH = 16


class Kind(StrEnum):
    """How keys are agreed upon. The hybrid one holds as long as either half does, against a quantum computer too."""

    HYBRID = "mlkem768-x25519"
    X25519 = "x25519"


_KEM = {Kind.HYBRID: hpke.KEM.MLKEM768_X25519, Kind.X25519: hpke.KEM.X25519}


def best_kind() -> Kind:
    """The hybrid where the cryptographic library of this machine has it."""
    try:
        MLKEM768PrivateKey.generate()
    except UnsupportedAlgorithm:
        return Kind.X25519
    return Kind.HYBRID


def _suite(kind: Kind) -> hpke.Suite:
    return hpke.Suite(_KEM[kind], hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _info(key_id: uuid.UUID) -> bytes:
    """Binds a wrapped key to its id: moved to another row it does not open."""
    return b"callguard vault 1 " + key_id.bytes


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a PBX host has: it can wrap and nothing else. `raw`: ML-KEM-768's key, if any, then X25519's."""

    kind: Kind
    raw: bytes

    @property
    def kid(self) -> str:
        """Its name: a digest of it."""
        return hashlib.sha256(self.kind.encode() + b"\0" + self.raw).hexdigest()[:KID_LENGTH]

    def wrap(self, data_key: bytes, key_id: uuid.UUID) -> bytes:
        """DATA_KEY, so that only the private half opens it, and only as the key KEY_ID."""
        exchange = X25519PublicKey.from_public_bytes(self.raw[-X25519_BYTES:])
        if self.kind is Kind.X25519:
            return _suite(self.kind).encrypt(data_key, exchange, _info(key_id))
        lattice = MLKEM768PublicKey.from_public_bytes(self.raw[:MLKEM_PUBLIC])
        return _suite(self.kind).encrypt(data_key, hpke.MLKEM768X25519PublicKey(lattice, exchange), _info(key_id))

    def line(self) -> str:
        """As the one line of a file."""
        return f"{WORD} {self.kind} {base64.b64encode(self.raw).decode()}\n"

    @classmethod
    def parse(cls, line: str, where: str) -> Self:
        """Raises BadInput, which names WHERE."""
        try:
            word, kind, text = line.split()
            key = cls(Kind(kind), base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error):
            raise BadInput(f"{where}: no public key of a vault; callguard vault keys create writes one") from None
        wanted = X25519_BYTES + (MLKEM_PUBLIC if key.kind is Kind.HYBRID else 0)
        if word != WORD or len(key.raw) != wanted:
            raise BadInput(f"{where}: no public key of a vault; callguard vault keys create writes one")
        return key


def load_public(path: Path) -> PublicKey:
    """The public key in the file PATH. Raises BadInput."""
    try:
        line = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise BadInput(
            f"{path}: the vault's public key cannot be read ({reason}): nothing can be stored, so nothing is recorded. "
            "callguard vault keys create makes one"
        ) from None
    return PublicKey.parse(line, str(path))


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What opens wrapped keys. `secret`: ML-KEM-768's seed, if any, then X25519's key; never shown."""

    kind: Kind
    secret: bytes

    @classmethod
    def generate(cls, kind: Kind) -> Self:
        """A fresh one."""
        return cls(kind, os.urandom(X25519_BYTES + (MLKEM_SEED if kind is Kind.HYBRID else 0)))

    def __repr__(self) -> str:
        """Its name only."""
        return f"PrivateKey({self.public.kid})"

    @property
    def public(self) -> PublicKey:
        """The half that may be given away."""
        exchange = self._exchange().public_key().public_bytes_raw()
        lattice = self._lattice().public_key().public_bytes_raw() if self.kind is Kind.HYBRID else b""
        return PublicKey(self.kind, lattice + exchange)

    def unwrap(self, wrapped: bytes, key_id: uuid.UUID) -> bytes:
        """The data key. Raises CannotDecrypt."""
        try:
            return _suite(self.kind).decrypt(wrapped, self._own(), _info(key_id))
        except (InvalidTag, ValueError):
            raise CannotDecrypt("A wrapped key does not open: another key pair, or it was altered or moved.") from None

    def _own(self) -> X25519PrivateKey | hpke.MLKEM768X25519PrivateKey:
        if self.kind is Kind.X25519:
            return self._exchange()
        return hpke.MLKEM768X25519PrivateKey(self._lattice(), self._exchange())

    def _exchange(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret[-X25519_BYTES:])

    def _lattice(self) -> MLKEM768PrivateKey:
        return MLKEM768PrivateKey.from_seed_bytes(self.secret[:MLKEM_SEED])
