"""callguard policy: what may be put into force, how, and what was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from callguard.lab.postgres import Postgres
from callguard.lab.stand import COMPLETE
from tests.cli.command import callguard, database, site
from tests.cli.test_run import controller

ONE = COMPLETE + "[call_type.support]\n"
TWO = ONE + 'category = "dispute"\nnotice = "notice-dispute"\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with database(tmp_path_factory.mktemp("policy") / "server") as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, server: Postgres, request: pytest.FixtureRequest) -> Path:
    """A site with a register of its own: its tenant is the test."""
    made = site(tmp_path, server.app_dsn)
    made.write_text(f'tenant = "{abs(hash(request.node.name))}"\n{made.read_text()}')
    return made


def activated(config: Path, *more: object) -> dict[str, Any]:
    done = callguard("policy", "activate", *more, "--reason", "because", "--config", config, "--json")
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def register(config: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(callguard("policy", "log", "--config", config, "--json").out)["activations"]
    return rows


# ---------------------------------------------------------------- check
@pytest.mark.requirement("S14")
def test_a_policy_that_may_be_put_into_force(tmp_path: Path) -> None:
    config = site(tmp_path)
    done = callguard("policy", "check", "--config", config)
    assert done.status == 0 and "nothing keeps it from being put into force" in done.text
    document = json.loads(callguard("policy", "check", "--config", config, "--json").out)
    assert document["ok"] and document["findings"] == [] and len(document["version"]) == 64


@pytest.mark.requirement("S14", "S27")
@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[call_type.a]\nmode = 'maybe'\nshoe = 1\n", ["call_type.a.mode", "call_type.a.shoe: unknown key"]),
        ("[call_type.a]\n[call_type.b]\n", ["organisation.name", "call_type.a.purpose", "call_type.b.retention.audio"]),
        (ONE + "notice = 'none'\n", ["no prompt none in en"]),
        (ONE.replace('"training"', '"marketing"'), ["call_type.support en/notice-short"]),
    ],
)
def test_everything_that_keeps_it_is_told_at_once(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = tmp_path / "new.toml"
    file.write_text(text)
    done = callguard("policy", "check", file, "--config", tmp_path / "none.toml")
    assert done.status == 1 and all(part in done.text for part in parts), done.text
    document = json.loads(callguard("policy", "check", file, "--config", tmp_path / "none.toml", "--json").out)
    assert not document["ok"] and len(document["findings"]) >= len(parts)


@pytest.mark.parametrize("text", [None, "[call_type.a\n"])
def test_what_cannot_be_read_is_bad_input(tmp_path: Path, text: str | None) -> None:
    config = site(tmp_path)
    (tmp_path / "policy.toml").unlink() if text is None else (tmp_path / "policy.toml").write_text(text)
    assert callguard("policy", "check", "--config", config).status == 2
    assert callguard("policy", "check", "--config", tmp_path / "none.toml").status == 2


# ---------------------------------------------------------------- activate, log
@pytest.mark.requirement("S27")
def test_what_is_put_into_force_stands_in_the_register(config: Path) -> None:
    first = activated(config)
    assert first["activated"] and "next start" in first["controller"] and first["ends_sooner"] == 0
    again = activated(config)
    assert not again["activated"]
    new = config.parent / "new.toml"
    new.write_text(TWO)
    second = activated(config, new, "--author", "Data protection officer")
    assert (config.parent / "policy.toml").read_text() == TWO and (config.parent / "policy.toml.old").read_text() == ONE
    rows = register(config)
    assert [(row["seq"], row["version"], row["previous"]) for row in rows] == [
        (1, first["version"], ""),
        (2, second["version"], first["version"]),
    ]
    assert rows[0]["author"].startswith("user:") and rows[1]["author"] == "Data protection officer"
    text = callguard("policy", "log", "--config", config).text
    assert "Data protection officer: because" in text and second["version"][:12] in text


def test_a_running_controller_is_told_to_read_it(config: Path) -> None:
    with controller(config.parent / "data", ends_after=60) as asked:
        done = callguard("policy", "activate", "--reason", "because", "--config", config)
    assert done.status == 0 and "the controller uses it" in done.text and asked == [{"do": "reload"}]


@pytest.mark.requirement("S14")
def test_what_may_not_be_put_into_force_changes_nothing(config: Path) -> None:
    new = config.parent / "new.toml"
    new.write_text("[call_type.support]\n")
    done = callguard("policy", "activate", new, "--reason", "because", "--config", config)
    assert done.status == 1 and "nothing changed" in done.text and "call_type.support.owner" in done.text
    document = callguard("policy", "activate", new, "--reason", "because", "--config", config, "--json")
    assert document.status == 1 and not json.loads(document.out)["activated"]
    assert register(config) == [] and (config.parent / "policy.toml").read_text() == ONE


def test_without_the_database_nothing_is_put_in_place(tmp_path: Path) -> None:
    config, new = site(tmp_path), tmp_path / "new.toml"
    new.write_text(TWO)
    assert callguard("policy", "activate", new, "--reason", "because", "--config", config).status == 3
    assert (tmp_path / "policy.toml").read_text() == ONE and not list(tmp_path.glob(".callguard*"))


@pytest.mark.parametrize("options", [(), ("--reason", " "), ("--reason", "x", "--author", ""), ("--reason", "\udcff")])
def test_an_activation_says_who_and_why(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert callguard("policy", "activate", *options, "--config", site(tmp_path)).status == 2


# ---------------------------------------------------------------- diff
@pytest.mark.requirement("S27", "S77")
def test_two_policies_are_compared_key_by_key(config: Path) -> None:
    first = activated(config)["version"]
    new = config.parent / "new.toml"
    new.write_text(TWO)
    for old in (first, first[:8], "active", config.parent / "policy.toml"):
        done = callguard("policy", "diff", old, new, "--config", config)
        assert done.status == 0 and 'call_type.support.category: "general" -> "dispute"' in done.text
        assert "2 change(s)" in done.text
    changes = json.loads(callguard("policy", "diff", "active", new, "--config", config, "--json").out)["changes"]
    assert changes[0] == {"key": "call_type.support.category", "old": "general", "new": "dispute"}
    assert callguard("policy", "diff", new, new, "--config", "none").text == "0 change(s)\n"


@pytest.mark.parametrize("name", ["active", "abc", ""])
def test_a_version_that_nobody_knows_is_bad_input(config: Path, name: str) -> None:
    done = callguard("policy", "diff", name, config.parent / "policy.toml", "--config", config)
    assert done.status == 2 and "neither a file nor a version" in done.err


def test_a_prefix_of_several_versions_is_bad_input(config: Path) -> None:
    activated(config)
    (config.parent / "policy.toml").write_text(TWO)
    activated(config)
    done = callguard("policy", "diff", "", config.parent / "policy.toml", "--config", config)
    assert done.status == 2 and "several versions" in done.err


# ---------------------------------------------------------------- verify
@pytest.mark.requirement("S27")
@pytest.mark.parametrize(
    ("change", "found"),
    [("version = repeat('0', 64)", "chain: altered"), ("sealed = '\\x00'", "author and reason are not those")],
)
def test_verify_finds_a_register_that_was_rewritten(config: Path, server: Postgres, change: str, found: str) -> None:
    activated(config)
    fine = callguard("verify", "--all", "--config", config)
    assert fine.status == 0 and "1 activation(s), 0 call(s), 0 finding(s)" in fine.text
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("ALTER TABLE callguard.activation DISABLE TRIGGER no_change")
        connection.execute(f"UPDATE callguard.activation SET {change} WHERE tenant = '{_tenant(config)}'".encode())
        connection.execute("ALTER TABLE callguard.activation ENABLE TRIGGER no_change")
    done = callguard("verify", "--all", "--config", config)
    assert done.status == 1 and f"register row 1: {found}" in done.text


@pytest.mark.requirement("S27")
def test_who_and_why_can_be_erased_and_the_register_still_proves(config: Path, server: Postgres) -> None:
    activated(config, "--author", "Ann O'Hara")
    with psycopg.connect(server.admin_dsn) as connection:
        kept = connection.execute("SELECT activation::text FROM callguard.activation").fetchall()
        connection.execute("DELETE FROM callguard.key WHERE key_id = %s", [register(config)[0]["key_id"]])
    assert kept and "Hara" not in str(kept) and "because" not in str(kept)
    row = register(config)[0]
    assert (row["author"], row["reason"]) == ("erased", "erased")
    assert "erased: erased" in callguard("policy", "log", "--config", config).text
    assert callguard("verify", "--all", "--config", config).status == 0


def _tenant(config: Path) -> str:
    return config.read_text().split('"')[1]
