"""Wrapping: who has the public key can write and not read; a wrapped key opens in its own place alone."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from callguard.audio.vault.container import new_key
from callguard.audio.vault.keyring import Kind, PrivateKey, PublicKey, best_kind, load_public
from callguard.errors import BadInput, CannotDecrypt

KEY_ID = uuid.UUID(int=5)


@pytest.fixture(params=list(Kind))
def pair(request: pytest.FixtureRequest) -> PrivateKey:
    return PrivateKey.generate(request.param)


@pytest.mark.requirement("S86")
def test_the_private_half_opens_what_the_public_half_wrapped(pair: PrivateKey) -> None:
    key = new_key()
    wrapped = pair.public.wrap(key, KEY_ID)
    assert pair.unwrap(wrapped, KEY_ID) == key and key not in wrapped
    assert pair.public.wrap(key, KEY_ID) != wrapped


@pytest.mark.requirement("S86")
def test_nothing_else_opens_it(pair: PrivateKey) -> None:
    wrapped = pair.public.wrap(new_key(), KEY_ID)
    for other, raw, place in (
        (PrivateKey.generate(pair.kind), wrapped, KEY_ID),
        (pair, wrapped, uuid.UUID(int=6)),
        (pair, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), KEY_ID),
        (pair, bytes([wrapped[0] ^ 1]) + wrapped[1:], KEY_ID),
        (pair, wrapped[:40], KEY_ID),
        (pair, b"", KEY_ID),
    ):
        with pytest.raises(CannotDecrypt):
            other.unwrap(raw, place)


def test_a_public_key_survives_its_file_and_has_a_name_of_its_own(pair: PrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "vault.pub"
    path.write_text(pair.public.line())
    assert load_public(path) == pair.public and len(pair.public.kid) == 16
    assert PrivateKey.generate(pair.kind).public.kid != pair.public.kid
    assert PrivateKey(pair.kind, pair.secret).public == pair.public
    assert pair.secret.hex() not in repr(pair) and pair.public.kid in repr(pair)


@pytest.mark.parametrize(
    "text", ["", "callguard-vault-key x25519 AAAA", "callguard-vault-key rsa AAAA", "other x25519 " + "A" * 43 + "="]
)
def test_what_is_no_public_key_is_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="vault keys create"):
        PublicKey.parse(text, "vault.pub")
    path = tmp_path / "vault.pub"
    path.write_text(text)
    with pytest.raises(BadInput, match="no public key"):
        load_public(path)
    with pytest.raises(BadInput, match="nothing is recorded"):
        load_public(tmp_path / "none")


def test_this_library_has_the_hybrid() -> None:
    assert best_kind() is Kind.HYBRID
