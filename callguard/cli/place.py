"""Where people are and what the law says there: from callguard.toml to what the engine asks."""

from __future__ import annotations

from callguard.core.jurisdiction import RulePack
from callguard.core.override import parse_overrides
from callguard.engine import clock
from callguard.engine.place import Places
from callguard.settings import Settings, read_toml
from callguard.store.pack import read_pack, shipped_pack


def load_places(settings: Settings) -> Places:
    """The rule pack, its overrides and the tables of this site. Raises BadInput, or ConfigError with every problem."""
    own, overrides = settings.rules.pack, settings.rules.overrides
    pack = read_pack(settings.path(own)) if own else shipped_pack()
    return Places(
        pack=pack,
        overrides=parse_overrides(read_toml(settings.path(overrides)), pack.rows, overrides) if overrides else (),
        agents=settings.places.agents,
        in_name=settings.places.agent_in_name,
        region=settings.places.region,
        trunks=settings.places.trunks,
        lines=settings.places.lines,
    )


def rules_today(settings: Settings) -> RulePack:
    """The rules in force now. Raises BadInput, ConfigError."""
    return load_places(settings).pack_on(clock.read().wall.date())
