"""The order of work: urgency, time left, danger to a person, kind. Pure. A kind without its own deadline has a default
one."""

from datetime import datetime, timedelta
from enum import StrEnum

from common.words.choices import words

from referrals.ground.vocabulary.work_kinds import ROWS, WorkKind


class Rank(StrEnum):
    """Ranks in order. `first`: an emergency, or possible immediate danger to a person."""

    FIRST = "first"
    URGENT = "urgent"
    ROUTINE = "routine"
    UPKEEP = "upkeep"


RANKS = {code: Rank(row["rank"]) for code, row in words("urgencies").items()}
CLOCKS = {
    code: timedelta(hours=int(row["waits_hours"])) for code, row in words("urgencies").items()
}
"""Default time until the deadline, if the work has no deadline of its own."""
Place = tuple[int, datetime, int]


def rank_of(kind: WorkKind, urgency: str | None) -> Rank:
    row = ROWS[kind]
    return Rank(row["rank"]) if row["rank"] else RANKS[urgency or row["urgency"]]


def clock_of(kind: WorkKind, urgency: str | None) -> timedelta:
    row = ROWS[kind]
    return (
        timedelta(days=int(row["clock_days"]))
        if row["clock_days"]
        else CLOCKS[urgency or row["urgency"]]
    )


def place_of(kind: WorkKind, rank: Rank, due: datetime) -> Place:
    """Return a sort key; more urgent work sorts first."""
    return list(Rank).index(rank), due, PLACES[kind]


PLACES = {kind: place for place, kind in enumerate(ROWS)}
