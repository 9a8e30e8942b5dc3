"""The order of work: urgency, time left, danger to a person, kind. Pure. A kind without a deadline gets a default
clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.events.codes import Urgency

from referrals.ground.vocabulary.work_kinds import WorkKind


class Rank(StrEnum):
    """In their order. `first`: an emergency, or somebody may be in danger now."""

    FIRST = "first"
    URGENT = "urgent"
    ROUTINE = "routine"
    UPKEEP = "upkeep"


RANKS: dict[str, Rank] = {"emergency": Rank.FIRST, "urgent": Rank.URGENT, "routine": Rank.ROUTINE}
CLOCKS: dict[str, timedelta] = {
    "emergency": timedelta(hours=1),
    "urgent": timedelta(days=1),
    "routine": timedelta(days=3),
}
"""From when it waits until it is due, where nothing says another time."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`urgency`: for a row without one. `rank`: for every row. `clock`: instead of the urgency's. `danger`: before
    other kinds that are due at the same moment."""

    urgency: Urgency = "routine"
    rank: Rank | None = None
    clock: timedelta | None = None
    danger: bool = False


_WEEK, _MONTH = timedelta(days=7), timedelta(days=30)
_HELP_HAS_BEGUN = Standing(rank=Rank.ROUTINE, clock=_MONTH)
STANDINGS: dict[WorkKind, Standing] = {
    WorkKind.BREAK_GLASS_TO_DECIDE: Standing(urgency="emergency", danger=True),
    WorkKind.EXCEPTION_TO_DECIDE: Standing(urgency="urgent", danger=True),
    WorkKind.LINE_EXCEPTION_TO_DECIDE: Standing(urgency="urgent", danger=True),
    WorkKind.CONSENT_TO_DECIDE: Standing(urgency="urgent", danger=True),
    WorkKind.LINE_REPORT: Standing(clock=CLOCKS["urgent"], danger=True),
    WorkKind.REPORT_HANDED_OVER: Standing(clock=CLOCKS["urgent"], danger=True),
    WorkKind.REFERRAL_UNMET: Standing(danger=True),
    WorkKind.REFERRAL_DRAFT: Standing(danger=True),
    WorkKind.REFERRAL_TO_ACKNOWLEDGE: Standing(),
    WorkKind.REFERRAL_ASKED_BACK: Standing(),
    WorkKind.REFERRAL_TO_DECIDE: Standing(),
    WorkKind.REFERRAL_TO_START: Standing(),
    WorkKind.TASK: Standing(),
    WorkKind.TRANSFER_OFFERED: Standing(urgency="urgent"),
    WorkKind.REVIEW: Standing(),
    WorkKind.CASE_TO_LOOK_AT: Standing(clock=_WEEK),
    WorkKind.MATCH: Standing(clock=_WEEK),
    WorkKind.REFERRAL_ON_HOLD: _HELP_HAS_BEGUN,
    WorkKind.REFERRAL_TO_CLOSE: _HELP_HAS_BEGUN,
    WorkKind.REFERRAL_TO_CONFIRM: Standing(rank=Rank.ROUTINE, clock=_WEEK),
    WorkKind.SUBMISSION_QUARANTINED: Standing(rank=Rank.UPKEEP, clock=_WEEK),
    WorkKind.CERTIFICATE_ENDING: Standing(rank=Rank.UPKEEP, clock=_MONTH),
    WorkKind.RETENTION_ENDING: Standing(rank=Rank.UPKEEP, clock=_MONTH),
}
"""Of kinds that are due at the same moment the first here comes first: danger before everything else."""

Place = tuple[int, datetime, int]


def rank_of(kind: WorkKind, urgency: str | None) -> Rank:
    standing = STANDINGS[kind]
    return standing.rank or RANKS[urgency or standing.urgency]


def clock_of(kind: WorkKind, urgency: str | None) -> timedelta:
    standing = STANDINGS[kind]
    return standing.clock or CLOCKS[urgency or standing.urgency]


def place_of(kind: WorkKind, rank: Rank, due: datetime) -> Place:
    """Sorts before what can wait longer."""
    return list(Rank).index(rank), due, PLACES[kind]


PLACES = {kind: place for place, kind in enumerate(STANDINGS)}
