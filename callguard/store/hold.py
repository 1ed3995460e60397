"""Legal holds as rows: on which calls, for which case; why and by whose authority, sealed.

What belongs here: SQL about holds, sealing what was said. What does not: that they hold (the database sees to it).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from callguard.store.artefact import Artefacts
from callguard.store.chain import Plain
from callguard.store.keys import MasterKey, decrypt, encrypt, new_data_key


@dataclass(frozen=True, slots=True)
class Hold:
    """One call held for a case. `said`: reason, authority, approver, author; `release`: reason and author, where it was
    released; `key`: what opens both."""

    hold_id: str
    case: str
    call_id: str
    placed_at: datetime
    review_on: date
    said: Mapping[str, Plain]
    released_at: datetime | None
    release: Mapping[str, Plain]
    key: bytes = field(repr=False)

    def overdue(self, today: date) -> bool:
        """Whether somebody should have looked at it again by now."""
        return self.released_at is None and self.review_on < today


@dataclass(frozen=True)
class Holds:
    """Over the connection of `rows`, of one tenant. Every method raises StoreDown, StoreRefused."""

    rows: Artefacts
    tenant: str
    master: MasterKey

    def place(self, case: str, call_ids: Sequence[str], review_on: date, said: Mapping[str, str]) -> int:
        """Hold all those calls, or none. How many were not held for that CASE before."""
        with self.rows.transaction():
            return sum(self._place(case, call_id, review_on, said) for call_id in call_ids)

    def release(self, holds: Sequence[Hold], said: Mapping[str, str]) -> int:
        """Release all of HOLDS, or none. How many were still standing."""
        with self.rows.transaction():
            return sum(self._release(hold, said) for hold in holds)

    def find(self, case: str | None = None, *, released: bool = False) -> tuple[Hold, ...]:
        """Holds that stand, and with RELEASED those that do not any more. Raises CannotDecrypt."""
        found = self.rows.ask("find_holds", tenant=self.tenant, case_name=case, released=released)
        return tuple(self._hold(row) for row in found)

    def _place(self, case: str, call_id: str, review_on: date, said: Mapping[str, str]) -> bool:
        hold_id, key_id, key = str(uuid.uuid4()), str(uuid.uuid4()), new_data_key()
        placed = self.rows.ask(
            "place_hold",
            hold_id=hold_id,
            tenant=self.tenant,
            case_name=case,
            call_id=call_id,
            review_on=review_on,
            key_id=key_id,
            wrapped=self.master.wrap(key, key_id.encode()),
            sealed=encrypt(key, said, hold_id.encode()),
        )
        return bool(placed)

    def _release(self, hold: Hold, said: Mapping[str, str]) -> bool:
        sealed = encrypt(hold.key, said, _release_aad(hold.hold_id))
        return self.rows.count("release_hold", hold_id=hold.hold_id, release_sealed=sealed) == 1

    def _hold(self, row: Mapping[str, Any]) -> Hold:
        hold_id, sealed = row["hold_id"], row["release_sealed"]
        key = self.master.unwrap(bytes(row["wrapped"]), row["key_id"].encode())
        return Hold(
            hold_id=hold_id,
            case=row["case_name"],
            call_id=row["call_id"],
            placed_at=row["placed_at"],
            review_on=row["review_on"],
            said=decrypt(key, bytes(row["sealed"]), hold_id.encode()),
            released_at=row["released_at"],
            release=decrypt(key, bytes(sealed), _release_aad(hold_id)) if sealed else {},
            key=key,
        )


def _release_aad(hold_id: str) -> bytes:
    return f"{hold_id} released".encode()
