"""The rights that an identity may hold, and the state of an identity as the list outside the database stores it. Pure.

    person        {"active", "roles", "scopes", "areas", "aors", "password", "second_factor", "recovery",
                  "invitation": a mark each, "passkeys": their marks}
    client        {"active", "roles", "scopes", "areas", "aors", "secret", "keys", "redirects": a mark each}
    organisation  {"active", "aors"}

A mark shows only whether a credential is still the same: the list contains no hash, name or address.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from common.auth import SCOPES, Role
from common.crypto import derived
from common.words.codelists import pathways
from common.words.enums import enum_of
from common.words.places import Places
from pydantic import AfterValidator, Field


def _all_in(values: list[str], known: Iterable[str], what: str) -> list[str]:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"not {what}: {', '.join(unknown)}")
    return sorted(set(values))


def _scopes(values: list[str]) -> list[str]:
    return _all_in(values, SCOPES, "a scope")


def _roles(values: list[str]) -> list[str]:
    return _all_in(values, list(Role), "a role")


def _aors(values: list[str]) -> list[str]:
    return _all_in(values, pathways(), "an area of responsibility")


def _areas(values: list[str]) -> list[str]:
    places = Places.load()
    unknown = sorted(value for value in set(values) if not places.is_known(value))
    if unknown:
        raise ValueError(f"not a P-code: {', '.join(unknown)}")
    return sorted(set(values))


Scopes = Annotated[
    list[Annotated[str, enum_of(SCOPES)]], Field(max_length=20), AfterValidator(_scopes)
]
Roles = Annotated[list[Annotated[str, enum_of(Role)]], Field(max_length=20), AfterValidator(_roles)]
Aors = Annotated[
    list[Annotated[str, enum_of(pathways())]], Field(max_length=20), AfterValidator(_aors)
]
Areas = Annotated[
    list[str],
    Field(max_length=200, description="P-codes that the AoRs hold in; empty = everywhere."),
    AfterValidator(_areas),
]


Word = Mapping[str, Any]
RIGHTS: Final = ("roles", "scopes", "areas", "aors")


class Marks:
    """Creates marks (keyed digests of credentials) with `master`, which is 32 bytes specific to this installation."""

    def __init__(self, master: bytes) -> None:
        self._key = derived(master, b"ruta standing")

    def of(self, whose: object, what: str, value: str | bytes | None) -> str:
        """Return the mark of one credential, or an empty text if there is none."""
        if value is None:
            return ""
        given = value.encode() if isinstance(value, str) else value
        named = f"{whose} {what} ".encode()
        return hmac.new(self._key, named + given, hashlib.sha256).hexdigest()[:32]

    def of_all(self, whose: object, what: str, values: Iterable[str | bytes]) -> list[str]:
        return sorted(self.of(whose, what, each) for each in values)


def rights_of(row: Any) -> Word:
    return {"active": row["active"], **{name: sorted(row[name]) for name in RIGHTS}}


def rights_again(row: Any, word: Word) -> dict[str, Any]:
    """Return new values for the row of a person or client: the rights from the list. The result is inactive if either
    the row or the list says so."""
    last = {name: list(word[name]) for name in RIGHTS}
    return {**last, "active": row["active"] and word["active"]}


@dataclass(frozen=True)
class Identity:
    """A client, or a person who uses a client, with its rights. `read_at` is the time when they were read, in seconds
    since 1970 by the database's clock. Any revocation of them has a later time."""

    subject: str
    client_id: str
    organisation_id: UUID
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    aors: tuple[str, ...]
    areas: tuple[str, ...]
    read_at: float


def effective_aors(own: Iterable[str], memberships: Iterable[str]) -> tuple[str, ...]:
    """Return the client's AoRs: those of its organisation, limited to the client's own AoRs if it has any."""
    members = set(memberships)
    chosen = set(own)
    return tuple(sorted(members & chosen if chosen else members))
