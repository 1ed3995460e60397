"""Private keys under a passphrase."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callguard.audio.vault.container import new_key
from callguard.audio.vault.keyfile import ENVIRONMENT, KeyFile, read_passphrase
from callguard.audio.vault.keyring import Kind
from callguard.errors import BadInput, CannotDecrypt

AT = datetime(2026, 11, 3, tzinfo=UTC)
PASSPHRASE = "correct horse battery"
KEY_ID = uuid.UUID(int=9)


def made(path: Path, *kinds: Kind) -> KeyFile:
    file = KeyFile(path, PASSPHRASE)
    for kind in kinds:
        file = file.with_new(kind, AT)
    file.write()
    return file


@pytest.mark.requirement("S86")
def test_keys_come_back_with_the_passphrase_and_not_without(tmp_path: Path) -> None:
    path = tmp_path / "vault.keys"
    file = made(path, Kind.X25519, Kind.HYBRID)
    again = KeyFile.open(path, PASSPHRASE)
    assert again.held == file.held and again.kids() == file.kids() and len(set(again.kids())) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    key = new_key()
    for item in file.held:
        assert again.unwrap(item.kid, item.key.public.wrap(key, KEY_ID), KEY_ID) == key
    with pytest.raises(BadInput, match="another passphrase"):
        KeyFile.open(path, PASSPHRASE + "!")
    assert PASSPHRASE not in repr(again)
    assert not any(item.key.secret.hex() in path.read_text() for item in file.held)


def test_a_key_that_was_retired_opens_nothing(tmp_path: Path) -> None:
    file = made(tmp_path / "vault.keys", Kind.X25519, Kind.X25519)
    old = file.held[0]
    wrapped = old.key.public.wrap(new_key(), KEY_ID)
    file.without(old.kid).write()
    left = KeyFile.open(file.path, PASSPHRASE)
    assert left.kids() == (file.held[1].kid,)
    with pytest.raises(CannotDecrypt, match=old.kid):
        left.unwrap(old.kid, wrapped, KEY_ID)


def test_what_is_no_key_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "vault.keys"
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        KeyFile.open(path, PASSPHRASE)
    for text, said in (("{", "not JSON"), ("{}", "that this release knows"), ("[]", "that this release knows")):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(BadInput, match=said):
            KeyFile.open(path, PASSPHRASE)
    made(path, Kind.X25519)
    document = json.loads(path.read_text())
    for change in ({"sealed": "AAAA"}, {"version": 2}, {"kdf": {**document["kdf"], "n": 1 << 30}}, {"extra": 1}):
        path.write_text(json.dumps({**document, **change}))
        with pytest.raises(BadInput):
            KeyFile.open(path, PASSPHRASE)
    path.write_text(json.dumps(document))
    path.chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600"):
        KeyFile.open(path, PASSPHRASE)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 12"):
        KeyFile(tmp_path / "vault.keys", "short").with_new(Kind.X25519, AT).write()
    assert not (tmp_path / "vault.keys").exists()


def test_the_passphrase_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vault.passphrase"
    file.write_text(f"{PASSPHRASE}\nmore\n")
    file.chmod(0o600)
    assert read_passphrase(file, {}) == PASSPHRASE
    assert read_passphrase(file, {ENVIRONMENT: "another one"}) == "another one"
    with pytest.raises(BadInput, match="set CALLGUARD_VAULT_PASSPHRASE"):
        read_passphrase(None, {})
    with pytest.raises(BadInput, match="cannot be read"):
        read_passphrase(tmp_path / "none", {})
    file.chmod(0o644)
    with pytest.raises(BadInput, match="chmod 600"):
        read_passphrase(file, {})
