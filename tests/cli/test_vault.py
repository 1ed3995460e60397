"""callguard vault: what is there, whether it is whole, its keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from callguard.cli.keeper import public_key
from callguard.lab.postgres import Postgres
from callguard.settings import load_settings
from tests.cli.command import Done, callguard, database, site
from tests.jobs.site import Place


@dataclass(frozen=True)
class Site:
    config: Path
    place: Place

    def vault(self, *arguments: object) -> Done:
        return callguard("vault", *arguments, "--config", self.config)

    def json(self, *arguments: object, status: int = 0) -> Any:
        done = self.vault(*arguments, "--json")
        assert done.status == status, done.err
        return json.loads(done.out)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with database(tmp_path_factory.mktemp("server") / "pg") as made:
        yield made


@pytest.fixture(scope="module")
def here(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    config = site(folder, server.app_dsn)
    (folder / "vault.pub").unlink()
    with Place.open(server.app_dsn, folder) as place:
        made = Site(config, place)
        assert made.vault("keys", "create").status == 0
        settings = load_settings(config)
        for _ in range(3):
            replace(place.ingest, public=lambda: public_key(settings)).run(place.ended())
        yield made


@pytest.mark.requirement("S93")
def test_the_vault_is_listed_checked_opened_and_reconciled(here: Site) -> None:
    listed = here.json("ls")["artefacts"]
    assert len(listed) == 3 and {row["state"] for row in listed} == {"stored"} and "key_id" not in listed[0]
    one = listed[0]["recording_id"]
    assert here.json("ls", "--recording", one)["artefacts"] == listed[:1]
    assert "3 artefact(s)" in here.vault("ls").text
    assert here.json("check", "--open") == {"checked": 3, "opened": True, "differences": []}
    assert here.json("check", "--sample", 2)["checked"] == 2 and here.json("check", one)["checked"] == 1
    assert here.vault("check", "none").status == 2
    assert here.json("reconcile", "--hashes") == {"rows": 3, "objects": 3, "removed": 0, "differences": []}


@pytest.mark.requirement("S86")
def test_an_object_that_was_touched_is_named_with_its_chunk(here: Site) -> None:
    row = here.place.artefacts.find()[0]
    (path,) = here.place.folder.rglob(row.object)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    differences = here.json("check", "--open", status=1)["differences"]
    assert [(each["what"], each["object"]) for each in differences] == [
        ("hash_differs", row.object),
        ("does_not_open", row.object),
    ]
    assert "chunk 0: " in differences[1]["why"] and "chunk 0: " in here.vault("check", "--open").text
    path.write_bytes(whole)
    assert here.json("check", "--open")["differences"] == []


def test_what_differs_is_named_and_an_orphan_can_be_removed(here: Site) -> None:
    orphan = "0" * 32 + ".cgv"
    here.place.shelf.put(orphan, [b"x"])
    assert here.json("reconcile", status=1)["differences"][0]["what"] == "object_without_row"
    done = here.vault("reconcile")
    assert done.status == 1 and f"{orphan}: an object that no row names" in done.text
    assert here.json("reconcile", "--remove-orphans")["removed"] == 1
    assert here.vault("reconcile").status == 0


def test_keys_are_listed_and_rotated_and_never_made_twice(here: Site) -> None:
    assert here.vault("keys", "create").status == 2
    (before,) = here.json("keys", "list")["keys"]
    assert (before["wraps"], before["active"], before["private"]) == (3, True, True)
    done = here.json("keys", "rotate", "--retire")
    assert (done["rewrapped"], done["retired"]) == (3, [before["kid"]])
    (after,) = here.json("keys", "list")["keys"]
    assert after["kid"] == done["kid"] and after["wraps"] == 3
    assert "wraps 3" in here.vault("keys", "list").text and here.json("check", "--open")["differences"] == []
    assert "0 data key(s)" not in here.vault("keys", "rotate").text
