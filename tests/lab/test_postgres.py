from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import psycopg
import pytest

from callguard.errors import Unreachable
from callguard.lab.postgres import Postgres
from callguard.store import schema


def asked(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A path with spaces and a comma, longer than a unix socket's may be."""
    return tmp_path / "with, spaces" / ("deep " * 20).strip()


def test_it_lives_through_stop_kill_and_another_start(folder: Path) -> None:
    server = Postgres.start(folder)
    try:
        schema.upgrade(server.owner_dsn)
        first = server.app_dsn
        assert asked(first, "SELECT current_user::text") == "callguard_app"
        assert asked(server.owner_dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(psycopg.OperationalError):
                asked(first, "SELECT 1")
            server.again()
            assert asked(first, "SELECT version_num FROM callguard.alembic_version") == schema.head_revision()
        server.stop()
        server = Postgres.start(folder)
        assert server.app_dsn == first and asked(first, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_server_that_was_left_is_taken_over_and_can_be_stopped(folder: Path) -> None:
    left = Postgres.start(folder)
    again = Postgres.start(folder)
    try:
        assert again.app_dsn == left.app_dsn and asked(again.app_dsn, "SELECT 1") == 1
    finally:
        again.stop()
    with pytest.raises(psycopg.OperationalError):
        asked(left.app_dsn, "SELECT 1")
    left.stop()


def test_a_taken_port_is_left_to_its_owner(folder: Path) -> None:
    server = Postgres.start(folder)
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        before = server.port
        server.again()
        try:
            assert server.port != before and asked(server.app_dsn, "SELECT 1") == 1
        finally:
            server.stop()


def test_nobody_gets_in_without_the_password_or_from_outside(folder: Path) -> None:
    server = Postgres.start(folder)
    try:
        for role in ("callguard_app", "callguard_owner", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                asked(f"host=127.0.0.1 port={server.port} user={role} dbname=callguard password=guess", "SELECT 1")
        assert asked(server.admin_dsn, "SHOW listen_addresses") == "127.0.0.1"
        assert asked(server.admin_dsn, "SHOW unix_socket_directories") == ""
        assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert (folder / "data").stat().st_uid != 0
    finally:
        server.stop()


def test_an_interrupted_initialisation_begins_again(folder: Path) -> None:
    (folder / "data" / "base").mkdir(parents=True)
    Postgres.start(folder).stop()


def test_a_damaged_directory_is_one_sentence(folder: Path) -> None:
    server = Postgres.start(folder)
    server.stop()
    (folder / "data" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(Unreachable, match="does not start"):
        server.again()
    server.stop()
