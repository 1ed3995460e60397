"""The rule pack: rows by jurisdiction, area codes, and which row stands for a place. Parsing is pure: text in.

What belongs here: rows, area codes, fallbacks, overrides applied, the version. What does not: where a party is
(place.py), what the rows of a call come to (strictest.py), files (store/pack.py).

A row that is missing falls back: subdivision, country, EU-ZZ for the EU and EEA, ZZ. Never to one party's consent: a
country whose own row asks for less than some of its states is not used for a place whose state is unknown.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from callguard.core.override import Override, from_data
from callguard.core.row import CODE, COLUMNS, Row, parse_row, raised, row_problems
from callguard.errors import ConfigError

NOWHERE = "ZZ"
EEA = frozenset("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK ES".split())
"""The EU's members, Iceland, Liechtenstein and Norway."""
FORMAT = "callguard.rules"
_DATED = re.compile(r"|\d{4}-\d{2}(-\d{2})?")


@dataclass(frozen=True, eq=False)
class RulePack:
    """`rows` by ISO code, `npa`: North American area code ("415") to ISO code, `dated`: when the sources were read
    (YYYY-MM or YYYY-MM-DD, '' unknown), `overrides` in force and `expired` ones. Equal packs have an equal `version`.
    """

    rows: Mapping[str, Row]
    npa: Mapping[str, str]
    dated: str = ""
    overrides: tuple[Override, ...] = ()
    expired: tuple[Override, ...] = ()

    @cached_property
    def version(self) -> str:
        """sha256 over the canonical JSON of all that decides; an expired override does not."""
        content = {key: value for key, value in self._content().items() if key != "expired"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def resolve(self, code: str) -> str:
        """The code of the row that stands for the place CODE ("US-CA", "FR"); any text gives one."""
        if code in self.rows and code not in self._floors:
            return code
        if not CODE.fullmatch(code):
            return NOWHERE
        country = code[:2]
        unknown = f"{country}-{NOWHERE}"
        if unknown in self.rows and (country not in self.rows or country in self._floors):
            return unknown
        if country in self.rows:
            return country
        return f"EU-{NOWHERE}" if country in EEA and f"EU-{NOWHERE}" in self.rows else NOWHERE

    def somewhere_in(self, country: str) -> str:
        """The code of the row for a place in COUNTRY that is not known better."""
        unknown = f"{country}-{NOWHERE}"
        return unknown if unknown in self.rows else self.resolve(country)

    def rows_for(self, codes: Iterable[str]) -> tuple[Row, ...]:
        """The rows of CODES, each once; a subdivision's is followed by its country's."""
        found: dict[str, Row] = {}
        for code in map(self.resolve, codes):
            found[code] = self.rows[code]
            if (country := code[:2]) in self.rows:
                found[country] = self.rows[country]
        return tuple(found.values())

    def overridden(self, overrides: Iterable[Override], at: date) -> RulePack:
        """This pack with those of OVERRIDES that apply on the day AT; the others are kept in `expired`.

        Rows for unknown places follow: they never ask for less than a known one.
        """
        known = [item for item in overrides if item.code in self.rows]
        in_force = tuple(item for item in known if item.applies(at))
        expired = tuple(item for item in known if not item.applies(at))
        if not in_force:
            return replace(self, expired=self.expired + expired)
        changed = {item.code: parse_row({**self.rows[item.code].as_data(), **dict(item.changes)}) for item in in_force}
        rows = {**self.rows, **changed}
        rows |= {code: raised(rows[code], family) for code, family in _families(rows)}
        whole = MappingProxyType(rows)
        return RulePack(whole, self.npa, self.dated, self.overrides + in_force, self.expired + expired)

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON, to be kept in a log; `RulePack.from_data` reads it back."""
        return {"format": FORMAT, "version": self.version, **self._content()}

    @staticmethod
    def from_data(data: Any, where: str = "rule pack") -> RulePack:
        """What `as_data` gave. Raises ConfigError for anything else, and where version and content do not agree."""
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise ConfigError(where, [f'format: must be "{FORMAT}"'])
        try:
            rows = [dict(cells) for cells in data["rows"]]
            npa = {str(key): str(code) for key, code in data["npa"].items()}
            overrides, expired = (tuple(map(from_data, data.get(key, ()))) for key in ("overrides", "expired"))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ConfigError(where, ["rows, npa, overrides: not as they were written"]) from None
        pack = replace(make_pack(rows, npa, str(data.get("dated", "")), where), overrides=overrides, expired=expired)
        if data.get("version") != pack.version:
            raise ConfigError(where, ["version: is not that of the content, which was changed or cut"])
        return pack

    def _content(self) -> dict[str, Any]:
        return {
            "dated": self.dated,
            "rows": [self.rows[code].as_data() for code in sorted(self.rows)],
            "npa": dict(sorted(self.npa.items())),
            "overrides": [item.as_data() for item in self.overrides],
            "expired": [item.as_data() for item in self.expired],
        }

    @cached_property
    def _floors(self) -> frozenset[str]:
        """Countries whose row asks for less than some of their states do."""
        unknown = (code for code in self.rows if code.endswith(f"-{NOWHERE}") and code[:2] in self.rows)
        return frozenset(code[:2] for code in unknown if not self.rows[code[:2]].covers(self.rows[code]))

    def __eq__(self, other: object) -> bool:
        """By content."""
        return isinstance(other, RulePack) and self.version == other.version

    def __hash__(self) -> int:
        """By content."""
        return hash(self.version)


def _families(rows: Mapping[str, Row]) -> list[tuple[str, tuple[Row, ...]]]:
    """Each code that stands for unknown places, and the rows of the places that may be meant; ZZ last."""
    found = []
    for code in sorted((code for code in rows if code.endswith(NOWHERE)), key=len, reverse=True):
        country = code[:2]
        if code == NOWHERE:
            meant = set(rows)
        else:
            meant = {item for item in rows if item[:2] == country} | (EEA & set(rows) if country == "EU" else set())
        found.append((code, tuple(rows[item] for item in sorted(meant - {code}))))
    return found


# ---------------------------------------------------------------- parsing
def parse_pack(
    jurisdictions: str,
    area_codes: str,
    dated: str = "",
    where: tuple[str, str] = ("jurisdictions.csv", "nanp_npa.csv"),
    codes_dated: str = "",
) -> RulePack:
    """The pack of two CSV texts. CODES_DATED: of the area codes, where they come from elsewhere than the rows.

    Raises ConfigError with every problem of the first that has one.
    """
    table = _table(jurisdictions, where[0], COLUMNS)
    codes = _table(area_codes, where[1], ("npa", "iso_code", "in_service", "in_service_date"))
    return make_pack(table, _area_codes(codes, codes_dated or dated, where[1]), dated, where[0])


def make_pack(table: list[dict[str, str]], npa: Mapping[str, str], dated: str, where: str) -> RulePack:
    """The pack of a TABLE of cells. Raises ConfigError with every problem at once."""
    problems: list[str] = [] if _DATED.fullmatch(dated) else ["dated: must be YYYY-MM or YYYY-MM-DD"]
    rows: dict[str, Row] = {}
    for number, cells in enumerate(table, 2):
        code = cells.get("iso_code", "")
        problems += (found := [f"line {number} ({code}): {text}" for text in row_problems(cells)])
        problems += [f"line {number} ({code}): a second row of this code"] * (code in rows)
        if not found:
            rows[code] = parse_row(cells)
    problems = problems or _pack_problems(rows)
    if problems:
        raise ConfigError(where, problems)
    return RulePack(MappingProxyType(rows), MappingProxyType(dict(npa)), dated)


def _pack_problems(rows: Mapping[str, Row]) -> list[str]:
    """A place that is not known must ask for as much as any that may be meant."""
    found = [] if NOWHERE in rows else [f"{NOWHERE}: is missing; every place without a row falls back to it"]
    for code, family in _families(rows):
        weaker = [row.iso_code for row in family if not rows[code].covers(row)]
        found += [f"{code}: asks for less than {', '.join(weaker)}, which may be meant"] * bool(weaker)
    return found


def _table(text: str, where: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The CSV TEXT by column. Raises ConfigError where columns are missing or a line has too many or too few cells."""
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        head, *lines = list(reader) or [[]]
    except csv.Error as error:
        raise ConfigError(where, [f"line {reader.line_num}: not CSV ({error})"]) from None
    problems = [f"line 1: no column {name}" for name in columns if name not in head]
    problems += [f"line {number}: {len(line)} cells, not {len(head)}" for number, line in enumerate(lines, 2)
                 if len(line) != len(head)]  # fmt: skip
    if problems:
        raise ConfigError(where, problems)
    return [dict(zip(head, line, strict=True)) for line in lines]


def _area_codes(table: list[dict[str, str]], dated: str, where: str) -> dict[str, str]:
    """Area codes that are in service, or were to be when the pack was made: a number in any other is odd."""
    problems = [
        f"line {number}: not an area code and an ISO code"
        for number, cells in enumerate(table, 2)
        if not re.fullmatch(r"[2-9][0-9]{2}", cells["npa"]) or not CODE.fullmatch(cells["iso_code"])
    ]
    if problems:
        raise ConfigError(where, problems)
    return {cells["npa"]: cells["iso_code"] for cells in table if _live(cells, dated)}


def _live(cells: Mapping[str, str], dated: str) -> bool:
    if cells["in_service"] == "Y":
        return True
    try:
        begin = datetime.strptime(cells["in_service_date"], "%d-%b-%Y").date().isoformat()
    except ValueError:
        return False
    return bool(dated) and begin[: len(dated)] <= dated
