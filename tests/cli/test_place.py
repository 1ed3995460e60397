"""From callguard.toml to the places that the engine asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.cli.place import load_places
from callguard.errors import BadInput, ConfigError
from callguard.settings import Settings, load_settings
from callguard.store.pack import shipped_pack

NEEDED = """\
data_dir = "data"
database = {url = "postgresql://x"}
asterisk = {ari_url = "http://127.0.0.1:8088/ari", ari_user = "a", ari_password = "b", ami_user = "c", ami_secret = "d"}
recordings = {directory = "rec"}
"""
OVERRIDE = """\
[override.US-CA]
consent = "one_party"
express_required = false
notice_required = false
beep_ok = "na"
reason = "counsel's letter 4"
author = "legal"
expires = 2027-01-31
"""


def settings(folder: Path, more: str) -> Settings:
    (folder / "callguard.toml").write_text(NEEDED + more)
    return load_settings(folder / "callguard.toml")


def test_the_shipped_rules_and_no_places_are_the_default(tmp_path: Path) -> None:
    places = load_places(settings(tmp_path, ""))
    assert places.pack == shipped_pack() and not places.overrides and not places.agents


def test_the_tables_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(OVERRIDE)
    places = load_places(
        settings(
            tmp_path,
            """
[rules]
overrides = "rules.toml"
[places]
agents = {"PJSIP/tx-*" = "US-TX"}
agent_in_name = "PJSIP/{site}-*"
region = "US"
trunks = {"PJSIP/de*" = "DE"}
lines = {"PJSIP/fixed*" = "landline"}
""",
        )
    )
    assert [item.code for item in places.overrides] == ["US-CA"] and places.in_name == "PJSIP/{site}-*"
    assert (places.agents, places.region) == ({"PJSIP/tx-*": "US-TX"}, "US")
    assert (places.trunks, places.lines) == ({"PJSIP/de*": "DE"}, {"PJSIP/fixed*": "landline"})


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "pack.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"pack\.json"):
        load_places(settings(tmp_path, '[rules]\npack = "pack.json"\n'))


def test_overrides_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"rules\.toml"):
        load_places(settings(tmp_path, '[rules]\noverrides = "rules.toml"\n'))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('agents = {"PJSIP/x" = "California"}', "places.agents"),
        ('agent_in_name = "PJSIP/{place}-*"', "places.agent_in_name"),
        ('region = "USA"', "places.region"),
        ('lines = {"PJSIP/x" = "fax"}', "places.lines"),
        ("colour = 1", "places.colour"),
    ],
)
def test_what_is_odd_is_named(tmp_path: Path, table: str, key: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        settings(tmp_path, f"[places]\n{table}\n")
    assert any(problem.startswith(key) for problem in wrong.value.problems)
