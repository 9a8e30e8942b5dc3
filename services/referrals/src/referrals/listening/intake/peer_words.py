"""The meaning of each system's own fields and states: one table with its sources. Pure."""

import re
from datetime import datetime
from enum import StrEnum
from fnmatch import translate
from functools import cache

from common.words.tables import rows


class Peer(StrEnum):
    KOBOTOOLBOX = "kobotoolbox"
    ODK_CENTRAL = "odk_central"
    COMMCARE = "commcare"
    PRIMERO = "primero"
    ACTIVITYINFO = "activityinfo"
    DHIS2 = "dhis2"


CHANGING = frozenset({Peer.PRIMERO, Peer.ACTIVITYINFO, Peer.DHIS2})
"""Systems that send a record again after each change; the others send each submission once."""


class Meaning(StrEnum):
    """The meaning of a value. `masked`: the system hides the value on purpose. `not_held`: the event did not take
    place."""

    OWN = "own"
    REJECTED = "rejected"
    CLOSED = "closed"
    WAITS = "waits"
    NOTE = "note"
    MASKED = "masked"
    NOT_HELD = "not_held"


def meaning_of(peer: Peer, path: str, value: str) -> Meaning | None:
    for names, wanted, meaning in _words(peer):
        if names.fullmatch(path) and (
            not wanted or wanted == value or (wanted == "moment" and _is_moment(value))
        ):
            return meaning
    return None


@cache
def _words(peer: Peer) -> tuple[tuple[re.Pattern[str], str, Meaning], ...]:
    return tuple(
        (
            re.compile("|".join(translate(path) for path in row["paths"].split())),
            row["value"],
            Meaning(row["meaning"]),
        )
        for row in rows(__package__, "peer_words")
        if row["peer"] == peer
    )


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
