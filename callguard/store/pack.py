"""Rule packs and overrides as files: the shipped pack, a folder, or a file.

What belongs here: reading them. What does not: what they say (core/jurisdiction.py, core/override.py).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from callguard.core.jurisdiction import RulePack, parse_pack
from callguard.errors import BadInput
from callguard.text import toml

JURISDICTIONS, AREA_CODES, ABOUT = "jurisdictions.csv", "nanp_npa.csv", "pack.toml"
LARGEST = 16 * 1024 * 1024
"""Bytes. The shipped pack has 60 thousand."""
SHIPPED = files("callguard").joinpath("data", "rules")


@cache
def shipped_pack() -> RulePack:
    """The pack that comes with callguard."""
    return parse_pack(_shipped(JURISDICTIONS), _shipped(AREA_CODES), _shipped_dated())


def read_pack(path: Path) -> RulePack:
    """The pack at PATH: a folder with jurisdictions.csv, and nanp_npa.csv and pack.toml where they differ from the
    shipped ones; such a jurisdictions.csv alone; or the JSON of `RulePack.as_data`. Raises BadInput, ConfigError.
    """
    if path.is_dir():
        return _from_folder(path)
    text = read_text(path)
    if path.suffix == ".csv":
        return parse_pack(text, _shipped(AREA_CODES), "", (str(path), AREA_CODES), _shipped_dated())
    try:
        return RulePack.from_data(orjson.loads(text), str(path))
    except orjson.JSONDecodeError:
        raise BadInput(f"{path}: neither a folder, nor CSV (*.csv), nor the JSON of a rule pack") from None


def _from_folder(path: Path) -> RulePack:
    own = path / AREA_CODES
    codes, codes_dated = (read_text(own), "") if own.exists() else (_shipped(AREA_CODES), _shipped_dated())
    dated = _dated(path / ABOUT) if (path / ABOUT).exists() else ""
    where = (str(path / JURISDICTIONS), str(own))
    return parse_pack(read_text(path / JURISDICTIONS), codes, dated, where, codes_dated)


def _shipped(name: str) -> str:
    return SHIPPED.joinpath(name).read_text("utf-8")


def _shipped_dated() -> str:
    return str(toml(_shipped(ABOUT))["dated"])


def _dated(path: Path) -> str:
    document = read_toml(path)
    dated = document.get("dated")
    if set(document) != {"dated"} or not isinstance(dated, str):
        raise BadInput(f'{path}: must hold one line like dated = "2026-11"')
    return dated


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a mapping. Raises BadInput naming file and line."""
    try:
        return toml(read_text(path))
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None


def read_text(path: Path) -> str:
    """A text file of ours. Raises BadInput."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > LARGEST:
        raise BadInput(f"{path}: larger than {LARGEST} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 (byte {error.start})") from None
