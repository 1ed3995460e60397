"""What every fact has.

What belongs here: the class that all of them are. What does not: any one of them (events.py, recorded.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact. `at` is when its source says it happened (aware, UTC); `channel_id` is the PBX's unique id or ''."""

    type: ClassVar[str] = ""
    at: datetime
    channel_id: str = ""

    def data(self) -> dict[str, Any]:
        """The fields of this fact beyond `at` and `channel_id`, ready for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in _COMMON}


_COMMON = ("type", "at", "channel_id")
