"""How somebody stands, in the words of the list that leaves the machine. Pure.

    person        {"active", "roles", "scopes", "areas", "aors", "password", "second_factor", "recovery": a mark each,
                  "passkeys": their marks}
    client        {"active", "roles", "scopes", "areas", "aors", "secret", "redirects": a mark each}
    organisation  {"active", "aors"}

A mark says whether a credential is the one of then, and nothing else: the list holds no hash, no name and no address.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

from common.crypto import derived

Word = Mapping[str, Any]
RIGHTS: Final = ("roles", "scopes", "areas", "aors")


class Marks:
    """`master`: 32 bytes, of this installation."""

    def __init__(self, master: bytes) -> None:
        self._key = derived(master, b"ruta standing")

    def of(self, whose: object, what: str, value: str | bytes | None) -> str:
        """Of one credential; empty where there is none."""
        if value is None:
            return ""
        given = value.encode() if isinstance(value, str) else value
        named = f"{whose} {what} ".encode()
        return hmac.new(self._key, named + given, hashlib.sha256).hexdigest()[:32]

    def of_all(self, whose: object, what: str, values: Iterable[str | bytes]) -> list[str]:
        return sorted(self.of(whose, what, each) for each in values)


def rights_of(row: Any) -> Word:
    """Of the row of a person or a client."""
    return {"active": row["active"], **{name: sorted(row[name]) for name in RIGHTS}}


def rights_again(row: Any, word: Word) -> dict[str, Any]:
    """What the row of a person or a client is to hold: their last rights. Who was switched off here or there stays so."""
    last = {name: list(word[name]) for name in RIGHTS}
    return {**last, "active": row["active"] and word["active"]}
