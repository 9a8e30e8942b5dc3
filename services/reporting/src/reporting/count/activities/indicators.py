"""The allow-list: the only numbers that may be published exactly (rule R7).

Each indicator counts what partners *held, handed out or taught*, never people who came for help. A person at an
information point, in a safe space or under case management appears in no exact number, because that number would be
about people who seek protection.

A new row in `data/indicators.csv` is a decision about disclosure and needs the same review as a release programme.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, cast

from common.words.places import Places
from common.words.tables import rows

from reporting.count.activities.codes import activity_codes, types_of
from reporting.ground.language import Text, text

Measure = Literal["quantity", "reached"]
Group = Literal["women", "men", "girls", "boys", "other_adults", "other_children"]
GROUPS: tuple[Group, ...] = ("women", "men", "girls", "boys", "other_adults", "other_children")
COUNTED_STATUSES = frozenset({"Ongoing", "Completed", "Suspended"})
"""Planned activities have reached nobody yet."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator: the ``measure`` of activities of a ``type``, either units in ``quantity`` or people in ``reached``."""

    code: str
    type: str
    measure: Measure
    label: Text


ALLOWED = tuple(
    Indicator(
        row["code"],
        row["type"],
        cast("Measure", row["measure"]),
        text(row["label_es"], row["label_en"]),
    )
    for row in rows(__package__, "data/indicators")
)

BY_CODE = {indicator.code: indicator for indicator in ALLOWED}
_EXACT = {(indicator.type, indicator.measure) for indicator in ALLOWED}


class Counted(Protocol):
    """The activity fields that counting needs."""

    @property
    def type(self) -> str: ...
    @property
    def activity_code(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def start(self) -> date: ...
    @property
    def quantity(self) -> int | None: ...
    @property
    def reached(self) -> int | None: ...
    @property
    def place(self) -> str: ...


def is_exact(activity_type: str, activity_code: str, measure: Measure) -> bool:
    """Return whether this number of such an activity may be published exactly. The activity code decides: calling a row
    a training does not turn service recipients into participants, or care sessions into trainings."""
    fits = activity_type in types_of(activity_code)
    if not fits or (activity_type, measure) not in _EXACT:
        return False
    return measure == "quantity" or activity_codes()[activity_code].counts == "participants"


def counts_towards(activity: Counted, indicator: Indicator) -> bool:
    return (
        activity.type == indicator.type
        and activity.status in COUNTED_STATUSES
        and is_exact(activity.type, activity.activity_code, indicator.measure)
    )


def total(
    activities: Iterable[Counted],
    indicator: Indicator,
    *,
    start: date,
    end: date,
    area: str | None,
    places: Places,
) -> int:
    """Return the exact sum over the activities that start within [start, end] inside ``area``. An activity belongs only
    to the period of its start date, so it counts once."""
    return sum(
        (activity.quantity if indicator.measure == "quantity" else activity.reached) or 0
        for activity in activities
        if counts_towards(activity, indicator)
        and start <= activity.start <= end
        and (area is None or places.within(activity.place, area))
    )
