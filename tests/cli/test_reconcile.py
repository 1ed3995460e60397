"""callguard reconcile: books, log, spool and vault of a real site."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callguard.audio.vault.folder import Folder
from callguard.jobs.spool import Spool
from callguard.settings import load_settings
from tests.cli.command import Done, callguard, database, play, site
from tests.jobs.site import Place, write_wav
from tests.store.rows import START

CDR = "uniqueid,start,disposition,dcontext,dst\n"
STRANGE = "\x1b[2J+15125550143.wav"


@pytest.mark.requirement("S4", "S118")
def test_every_leg_is_in_one_class_wherever_its_recording_lies(tmp_path: Path) -> None:
    with database(tmp_path / "server") as server:
        call_id = asyncio.run(play(server, tmp_path / "engine"))
        config = site(tmp_path / "site", server.app_dsn)
        config.write_text(f'tenant = "acme"\npbx_id = "pbx1"\n{config.read_text()}')
        spool = tmp_path / "site" / "recordings"
        book = tmp_path / "Master.csv"
        book.write_text(f"{CDR}far,{int(START.timestamp())},ANSWERED,inbound,support\n")

        def run(*options: object) -> Done:
            return callguard("reconcile", *options, "--config", config)

        def classes(*options: object, status: int) -> dict[str, str]:
            done = run("--cdr", book, *options, "--json")
            assert done.status == status, done.err
            found: dict[str, Any] = json.loads(done.out)
            assert (
                found["ok"] is (status == 0) and found["books"] and sum(found["counts"].values()) == len(found["legs"])
            )
            return {leg["leg"]: leg["cls"] for leg in found["legs"]}

        assert classes(status=1) == {"far": "lost"}
        shown = callguard("calls", "show", call_id, "--config", config, "--json")
        (recording,) = json.loads(shown.out)["recordings"]
        write_wav(spool / f"{recording['recording_id']}.wav")
        assert classes(status=0) == {"far": "recorded as due"}
        settings = load_settings(config)
        with Place.open(server.app_dsn, tmp_path / "place") as place:
            shelf = Folder(settings.path(settings.vault.directory))
            replace(place.ingest, spool=Spool(spool), shelf=shelf).run(recording["recording_id"])
        assert list(spool.iterdir()) == [] and classes(status=0) == {"far": "recorded as due"}
        text = run("--all").text
        assert "verified, in the vault" in text and "without --cdr" in text and "1 recorded as due" in text
        assert run("--since", "1h").text.endswith("0 unexplained\n")
        # a leg that we were never asked about, one that is none of ours, and somebody's file
        with book.open("a") as more:
            more.write("x,1795917601,ANSWERED,internal,+15125550143\n")
        assert classes(status=1)["x"] == "lost" and "+1512" not in run("--cdr", book).text
        assert classes("--outside", "internal", status=0)["x"] == "not recorded as due"
        (spool / STRANGE).write_text("x")
        assert classes("--outside", "internal", status=1)[STRANGE] == "unknown file"
        assert "unknown file" in run().text and "\x1b" not in run().text
        # what is in the vault by its row alone is nowhere
        for item in settings.path(settings.vault.directory).rglob("*.cgv"):
            item.unlink()
        assert classes(status=1)["far"] == "lost"
        book.write_text("not a book\n")
        assert run("--cdr", book).status == run("--cel", tmp_path / "none").status == 2
        (spool / STRANGE).unlink()
        spool.rmdir()
        assert run().status == 2 and "own machine" in run().err


def test_without_postgres(tmp_path: Path) -> None:
    assert callguard("reconcile", "--config", site(tmp_path / "site")).status == 3
