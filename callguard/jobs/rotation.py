"""A new key pair for the vault: data keys are wrapped anew, audio is never touched.

What belongs here: the order of it, and going on after a kill. What does not: key files (audio/vault/keyfile.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from callguard.audio.vault.keyfile import Files, KeyFile
from callguard.audio.vault.keyring import Kind, PublicKey
from callguard.audio.vault.port import Custody
from callguard.errors import CannotDecrypt
from callguard.store.artefact import Artefacts, Wrapped


@dataclass(frozen=True, slots=True)
class Rotated:
    """`kid`: the pair that everything is under now; `resumed`: it was there, an earlier rotation was finished;
    `rewrapped`: data keys; `retired`: pairs that were taken out of the file."""

    kid: str
    resumed: bool
    rewrapped: int
    retired: tuple[str, ...]


def rotate(
    files: Files,
    artefacts: Artefacts,
    kind: Kind,
    at: datetime,
    *,
    retire: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> Rotated:
    """Put everything under a new pair; where an earlier rotation was cut off, finish that one instead.

    RETIRE: take the old pairs out of the file afterwards, so that old copies of the database cannot be opened either.
    Raises BadInput, CannotDecrypt, StoreDown.
    """
    keys = files.open()
    newest = keys.kids()[-1]
    resumed = any(kid != newest for kid in artefacts.keys_by_pair())
    if not resumed:
        keys = keys.with_new(kind, at)
        keys.write()
    files.publish(keys)  # again where it was cut off before this
    public = keys.held[-1].key.public
    count = rewrap(artefacts, keys, public, told)
    return Rotated(public.kid, resumed, count, _retire(keys, artefacts) if retire else ())


def rewrap(artefacts: Artefacts, custody: Custody, public: PublicKey, told: Callable[[int], None]) -> int:
    """Wrap every data key that is under another pair under PUBLIC: each by itself, so that a kill loses nothing."""
    done = 0
    while page := artefacts.wrapped_elsewhere(public.kid):
        for old in page:
            key = custody.unwrap(old.kid, old.wrapped, old.key_id)
            new = Wrapped(old.key_id, public.kid, public.wrap(key, old.key_id))
            if public.kid != old.kid and artefacts.rewrap(old, new):
                done += 1
        told(done)
    return done


def _retire(keys: KeyFile, artefacts: Artefacts) -> tuple[str, ...]:
    used = artefacts.keys_by_pair()
    if wrapped := [kid for kid in used if kid not in keys.kids()]:
        raise CannotDecrypt(f"data keys are wrapped under {', '.join(wrapped)}, which is not in the file: not retired")
    old = tuple(kid for kid in keys.kids()[:-1] if kid not in used)
    for kid in old:
        keys = keys.without(kid)
    if old:
        keys.write()
    return old
