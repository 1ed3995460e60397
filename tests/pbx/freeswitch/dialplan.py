"""FreeSWITCH's XML dialplan, as far as the shipped files use it: which applications an extension would run.

What belongs here: hunting and inline actions, as mod_dialplan_xml does them. What does not: the applications
themselves.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Channel:
    """Variables of a channel; `hash`: what mod_hash holds, "realm/key" -> value."""

    variables: dict[str, str]
    hash: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        """TEXT with its ${variables} and ${hash(...)} replaced, inner ones first."""
        before = None
        while before != text:
            before, text = text, re.sub(r"\$\{([A-Za-z0-9_]+)\}", lambda name: self.variables.get(name[1], ""), text)
        return re.sub(r"\$\{hash\(select/([^)]*)\)\}", lambda key: self.hash.get(key[1], ""), text)


Action = tuple[str, str]


def actions(path: Path, destination: str, channel: Channel) -> list[Action]:
    """(application, data) of the extension in PATH that takes DESTINATION; inline ones have been carried out."""
    for extension in ET.parse(path).iter("extension"):
        found, taken = _hunt(extension, destination, channel)
        if taken:
            return found
    return []


def _hunt(extension: ET.Element, destination: str, channel: Channel) -> tuple[list[Action], bool]:
    found: list[Action] = []
    passed = False
    for condition in extension.findall("condition"):
        groups = _match(condition, destination, channel)
        how = condition.get("break", "on-false")
        passed = groups is not None
        if groups is not None:
            found += _taken(condition, groups, channel)
        if (how, passed) in (("on-true", True), ("on-false", False)):
            break
    return found, passed or bool(found)


def _match(condition: ET.Element, destination: str, channel: Channel) -> Mapping[int, str] | None:
    """The groups of the condition, or None."""
    for test in condition.findall("regex") if condition.get("regex") == "any" else [condition]:
        name = test.get("field", "")
        value = destination if name == "destination_number" else channel.expand(name)
        if (fits := re.search(test.get("expression", ""), value)) is not None:
            return dict(enumerate(fits.groups(""), start=1))
    return None


def _taken(condition: ET.Element, groups: Mapping[int, str], channel: Channel) -> list[Action]:
    found = []
    for action in condition.findall("action"):
        data = re.sub(r"\$([0-9])", lambda number: groups.get(int(number[1]), ""), action.get("data", ""))
        application = action.get("application", "")
        if action.get("inline") == "true":
            name, _, value = channel.expand(data).partition("=")
            channel.variables[name] = value
        else:
            found.append((application, data))
    return found
