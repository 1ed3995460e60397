from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import tempfile
from pathlib import Path

import pytest

from callguard.doctor import look

NOBODY = 65534


def let_pass(folder: Path) -> None:
    """Everybody may come through our own folders down to FOLDER; there is one more of them with several workers."""
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()):
            return
        each.chmod(0o755)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True), ("LocalHost", True),
     ("10.0.0.1", False), ("pbx.example", False), ("", False), ("0.0.0.0", False)],
)  # fmt: skip
def test_this_machine_alone(host: str, expected: bool) -> None:
    assert look.is_loopback(host) is expected


def test_own_addresses_can_be_bound_and_are_not_loopback() -> None:
    for own in look.own_addresses():
        family = socket.AF_INET6 if ":" in own else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((own, 0))
        assert not ipaddress.ip_address(own).is_loopback


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")])
def test_who_listens(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.bind((host, 0))
        port = door.getsockname()[1]
        assert look.listener(port) is None, "bound is not listening"
        door.listen()
        assert look.listener(port) == os.getuid()
    assert look.listener(port) is None


@pytest.mark.parametrize(
    ("mode", "want", "expected"),
    [
        (0o700, os.R_OK, False),
        (0o704, os.R_OK, True),
        (0o704, os.W_OK, False),
        (0o707, 7, True),
        (0o770, os.R_OK, False),
    ],
)
def test_what_a_stranger_may_do(tmp_path: Path, mode: int, want: int, expected: bool) -> None:
    let_pass(tmp_path)
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(mode)
    assert look.may(NOBODY, place, want) is expected
    assert look.may(0, place, 7) and look.may(os.getuid(), place, 7)
    assert not look.may(0, tmp_path / "none", want)


def test_every_folder_above_must_let_it_pass(tmp_path: Path) -> None:
    let_pass(tmp_path)
    (tmp_path / "closed" / "open").mkdir(parents=True)
    assert look.may(NOBODY, tmp_path / "closed" / "open", os.R_OK)
    (tmp_path / "closed").chmod(0o700)
    assert not look.may(NOBODY, tmp_path / "closed" / "open", os.R_OK)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b'{"ready": true}\n', {"ready": True}), (b"[1]\n", None), (b"\xff\n", None), (b"", None), (b"{" * 90000, None)],
)
async def test_what_answers_on_a_socket(tmp_path: Path, answer: bytes, expected: object) -> None:
    heard = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(serve, str(tmp_path / "s")):
        assert await look.ask_socket(tmp_path / "s", b"status\n") == expected
    assert heard == [b"status\n"]
    assert await look.ask_socket(tmp_path / "none", b"status\n") is None


def test_a_database_that_is_not_there_is_one_sentence_without_the_password() -> None:
    [(code, text)] = look.database_problems("postgresql://callguard_app:s3cret-word@127.0.0.1:1/callguard")
    assert code == "unreachable" and "s3cret-word" not in text
    assert look.database_problems("no = such = thing")[0][0] == "unreachable"


def test_the_kernel_says_whether_the_clock_is_kept() -> None:
    assert look.synchronised() in (True, False)


def test_names_of_accounts() -> None:
    assert look.account(0) == "root" and look.account(4_000_000) == "uid 4000000"
