"""Changes to a person's sign-in, and which of them the person must be told about. Pure. The person sees each such
change at every sign-in until they confirm it. This applies whoever made the change, because a thief in the person's
session acts under the person's name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

SIGN_IN: Final = "sign-in"
"""Recorded as the client of events on the sign-in page itself."""
ITSELF: Final = "issuer"
"""Recorded as client and subject of Ruta's own actions."""
READ, NOT_ASKED_FOR = "read what was changed", "did not ask for what was changed"


class Part(StrEnum):
    """The parts of an account that may change."""

    PASSWORD = "password"  # noqa: S105 - the word for one
    FACTOR = "factor"
    PASSKEYS = "passkeys"
    CODES = "codes"
    RIGHTS = "rights"
    ORGANISATION = "organisation"
    ACCESS = "access"


_GIVEN = {Part.PASSWORD, Part.FACTOR}
_WAYS_IN = {*_GIVEN, Part.PASSKEYS, Part.CODES}
_NEWS: Mapping[str, set[Part]] = {
    "renewed credentials": _WAYS_IN,
    "held to the list": {*_WAYS_IN, Part.RIGHTS, Part.ACCESS},
    "changed own password": {Part.PASSWORD},
    "changed own second factor": {Part.FACTOR},
    "added a passkey": {Part.PASSKEYS},
    "removed a passkey": {Part.PASSKEYS},
    "renewed own recovery codes": {Part.CODES},
    "used a recovery code": {Part.CODES},
    # These events change nothing, but show that somebody else has the password or the key.
    "refused several wrong codes": set(),
    "refused a copied passkey": set(),
}
NEWS: Final = frozenset(_NEWS)
_NO_NEWS: Mapping[str, set[Part]] = {
    "created": {Part.RIGHTS, Part.ORGANISATION},
    "gave credentials": _GIVEN,
    "accepted an invitation": _GIVEN,
}


def is_news(kind: str, what: str) -> bool:
    """Return whether the person concerned must be told about a change."""
    return kind == "person" and what in NEWS


def touched(kind: str, what: str) -> set[Part]:
    """Return the parts of an account that a change to the person or their organisation affects."""
    if kind == "organisation":
        return {Part.ORGANISATION}
    verb, *fields = what.split()
    if verb == "changed" and "own" not in fields:
        return {Part.ACCESS if field == "active" else Part.RIGHTS for field in fields}
    return {**_NEWS, **_NO_NEWS}.get(what, set())


class By(StrEnum):
    """The author of a change, as the person sees it. `OWN` means somebody who was signed in as the person. `PAGE` means
    somebody who typed the person's name on the sign-in page."""

    OWN = "own"
    PAGE = "page"
    RUTA = "ruta"
    OTHER = "other"


def by_whom(change: Any, person: str) -> By:
    """Return the author of a row in the record."""
    if change["by_subject"] == person:
        return By.PAGE if change["by_client"] == SIGN_IN else By.OWN
    return By.RUTA if change["by_client"] == change["by_subject"] == ITSELF else By.OTHER


@dataclass(frozen=True)
class Line:
    """Changes of one kind by one author: the latest change and the number of changes. `by` is the id of a person or
    client."""

    at: datetime
    what: str
    whose: By
    by: str
    times: int


def lines(news: Iterable[Any], person: str) -> Sequence[Line]:
    """Group rows of the record into lines, newest first. Repeated wrong codes share a line."""
    found: dict[tuple[str, str], list[Any]] = {}
    for change in news:
        found.setdefault((change["what"], change["by_subject"]), []).append(change)
    return [_line(same[0], person, len(same)) for same in found.values()]


def last_of_each(changes: Iterable[Any], person: str) -> Mapping[Part, Line]:
    """Return the last change of each part of an account. `changes` contains rows of the record, newest first."""
    found: dict[Part, Line] = {}
    for change in changes:
        for part in touched(change["kind"], change["what"]):
            found.setdefault(part, _line(change, person, 1))
    return found


def _line(change: Any, person: str, times: int) -> Line:
    whose = by_whom(change, person)
    return Line(change["at"], change["what"], whose, change["by_subject"], times)
