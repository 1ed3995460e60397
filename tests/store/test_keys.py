from __future__ import annotations

import base64
from pathlib import Path

import pytest

from callguard.errors import BadInput, CannotDecrypt
from callguard.store.keys import (
    ENVIRONMENT,
    MasterKey,
    create_master_key,
    decrypt,
    encrypt,
    load_master_key,
    new_data_key,
)

SECRET = bytes(range(32))
MASTER = MasterKey(SECRET)


def test_a_created_key_is_private_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = create_master_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_master_key(path, {}).fingerprint == made.fingerprint


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_master_key(path := tmp_path / "master.key")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="never overwritten"):
        create_master_key(path)
    assert path.read_bytes() == before
    with pytest.raises(BadInput, match="cannot be made"):
        create_master_key(tmp_path / "no such folder" / "key")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_master_key(path := tmp_path / "master.key")
    path.chmod(mode)
    with pytest.raises(BadInput, match="chmod 600"):
        load_master_key(path, {})


def test_the_environment_wins(tmp_path: Path) -> None:
    create_master_key(path := tmp_path / "master.key")
    assert load_master_key(path, {ENVIRONMENT: base64.b64encode(SECRET).decode()}).fingerprint == MASTER.fingerprint


@pytest.mark.parametrize("text", ["short", "!!!", base64.b64encode(b"x" * 31).decode()])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        load_master_key(None, {ENVIRONMENT: text})
    assert text not in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_missing_or_foreign_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "master.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(BadInput):
        load_master_key(path, {})
    with pytest.raises(BadInput, match="No master key"):
        load_master_key(None, {})


def test_the_key_does_not_show_itself() -> None:
    shown = repr(MASTER) + str(vars(MASTER).keys())
    assert SECRET.hex() not in shown and base64.b64encode(SECRET).decode() not in shown
    assert repr(MASTER) == f"MasterKey({MASTER.fingerprint})"


def test_wrapped_keys_open_only_in_their_place_under_their_master() -> None:
    key = new_data_key()
    wrapped = MASTER.wrap(key, b"p1")
    assert MASTER.unwrap(wrapped, b"p1") == key
    for master, text, place in (
        (MASTER, wrapped, b"p2"),
        (MasterKey(b"y" * 32), wrapped, b"p1"),
        (MASTER, wrapped[:-1], b"p1"),
        (MASTER, b"", b"p1"),
    ):
        with pytest.raises(CannotDecrypt):
            master.unwrap(text, place)


def test_every_flipped_bit_of_a_sealed_value_is_noticed() -> None:
    key, value = new_data_key(), {"number": "+12025550143", "name": "x"}
    sealed = encrypt(key, value, b"here")
    assert decrypt(key, sealed, b"here") == value
    for position in range(len(sealed)):
        changed = bytes([*sealed[:position], sealed[position] ^ 1, *sealed[position + 1 :]])
        with pytest.raises(CannotDecrypt):
            decrypt(key, changed, b"here")
    with pytest.raises(CannotDecrypt):
        decrypt(key, sealed, b"there")


def test_the_same_value_never_seals_to_the_same_bytes() -> None:
    key = new_data_key()
    assert encrypt(key, {}, b"") != encrypt(key, {}, b"")


def test_a_search_code_finds_a_number_however_it_is_written() -> None:
    code = MASTER.search_hmac("+1 (202) 555-0143")
    assert code == MASTER.search_hmac("+12025550143") and code is not None and len(code) == 32
    assert code != MASTER.search_hmac("+12025550144")
    assert code != MasterKey(b"y" * 32).search_hmac("+12025550143")
    assert MASTER.search_hmac("anonymous") is None and MASTER.search_hmac("+") is None
