"""How facts become counted units: which person counts in which cell of a programme's base cube.

Persons are the units (R5): each counts once per programme and period, whatever happened to them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from reporting.programmes.definition import Measure, Programme

Coordinates = tuple[str, ...]

_PROGRESS_BY_STATE = {
    "sent": "waiting",
    "acknowledged": "waiting",
    "info_requested": "waiting",
    "waitlisted": "waiting",
    "accepted": "accepted",
    "scheduled": "accepted",
    "in_service": "accepted",
    "on_hold": "accepted",
    "completed": "delivered",
    "declined": "undelivered",
    "not_delivered": "undelivered",
    "expired": "undelivered",
    "recalled": "undelivered",
    "withdrawn": "undelivered",
}
_FURTHEST = ("undelivered", "waiting", "accepted", "delivered")
_UNMET_STATES = frozenset({"declined", "not_delivered", "expired"})


@dataclass(frozen=True)
class Step:
    """One state that a referral reached, as far as releases may know it.

    Only steps recorded under a reporting grant exist here. ``area`` is already at the level that
    programmes use.
    """

    person: bytes
    referral_id: UUID
    version: int
    state: str
    occurred_at: datetime
    category: str
    aor: str
    area: str | None
    sex: str | None
    age_band: str | None


Classifier = Callable[[Sequence[Step]], Mapping[str, str | None] | None]
"""From all steps of one person in the period to the values it counts under; None: not counted."""


def classifier(measure: Measure) -> Classifier:
    """The counting rule of a measure over referral steps."""
    return _CLASSIFIERS[measure]


def count_steps(programme: Programme, persons: Iterable[Sequence[Step]]) -> Counter[Coordinates]:
    """Count persons, each given as all of its steps of the period, into the programme's cells."""
    classify = classifier(programme.measure)
    classified = (classify(steps) for steps in persons)
    return Counter(cell(programme, values) for values in classified if values is not None)


def cell(programme: Programme, values: Mapping[str, str | None]) -> Coordinates:
    """The cell of the base cube for the values of one unit."""
    return tuple(each.coded(values.get(each.name)) for each in programme.dimensions)


def persons_by_progress(steps: Sequence[Step]) -> Mapping[str, str | None] | None:
    """The furthest that any referral of the person got by the end of the period."""
    last = _last_steps(steps)
    if not last:
        return None
    best = max(last, key=lambda step: (_FURTHEST.index(_progress(step)), *_recency(step)))
    return {**_person(steps), "aor": best.aor, "progress": _progress(best)}


def persons_unmet(steps: Sequence[Step]) -> Mapping[str, str | None] | None:
    """The latest need of the person that ended without a service, if any did."""
    unmet = [step for step in _last_steps(steps) if step.state in _UNMET_STATES]
    if not unmet:
        return None
    latest = max(unmet, key=_recency)
    return {**_person(steps), "aor": latest.aor, "category": latest.category}


def _last_steps(steps: Sequence[Step]) -> list[Step]:
    """The last step of each referral, without referrals that were entered in error."""
    last: dict[UUID, Step] = {}
    for step in steps:
        known = last.get(step.referral_id)
        if known is None or step.version > known.version:
            last[step.referral_id] = step
    return [step for step in last.values() if step.state in _PROGRESS_BY_STATE]


def _person(steps: Sequence[Step]) -> dict[str, str | None]:
    """Where and who the person is: one answer per period, so that all programmes agree."""
    known = sorted(steps, key=_recency)
    return {
        "area": next((s.area for s in reversed(known) if s.area), None),
        "sex": next((s.sex for s in reversed(known) if s.sex), None),
        "age_band": next((s.age_band for s in reversed(known) if s.age_band), None),
    }


def _progress(step: Step) -> str:
    return _PROGRESS_BY_STATE[step.state]


def _recency(step: Step) -> tuple[datetime, str, int]:
    return step.occurred_at, str(step.referral_id), step.version


_CLASSIFIERS: Mapping[Measure, Classifier] = {
    Measure.PERSONS_BY_PROGRESS: persons_by_progress,
    Measure.PERSONS_UNMET: persons_unmet,
}
