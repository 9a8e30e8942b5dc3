"""Decides in which cell of the joint cube a referred person counts: one cell per period (R5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from common.words.referral_states import UNMET, Progress, ReferralState, progress

from reporting.count.facts.steps import Step
from reporting.count.trafficking import cells as screenings
from reporting.ground.programmes.definition import NOTHING, Measure
from reporting.protect.releases.joint import Rule

_FURTHEST = ("undelivered", "waiting", "accepted", "delivered")


Values = Mapping[str, str | None]


def referred(steps: Sequence[Step]) -> Values | None:
    """Return the values of a person's cell: the furthest state of any referral by the end of the period, and the latest
    need, if any, that ended without a service. Return None if the person does not count."""
    last = _last_steps(steps)
    if not last:
        return None
    best = max(last, key=lambda step: (_FURTHEST.index(_progress(step)), *_recency(step)))
    unmet = [step for step in last if step.state in UNMET]
    return {
        **_person(steps),
        "aor": best.aor,
        "progress": _progress(best),
        "unmet": max(unmet, key=_recency).category if unmet else NOTHING,
    }


def further(before: str, now: str) -> str:
    """Return a person's progress over a longer span, which is the furthest progress in any part."""
    return max(before, now, key=_FURTHEST.index)


def place_of(step: Step) -> tuple[UUID, int]:
    """Return the id of a step's referral, and the step's version."""
    return step.referral_id, step.version


def _last_steps(steps: Sequence[Step]) -> list[Step]:
    """Return the last step of each referral, ignoring referrals entered in error."""
    last: dict[UUID, Step] = {}
    for step in steps:
        known = last.get(step.referral_id)
        if known is None or step.version > known.version:
            last[step.referral_id] = step
    return [step for step in last.values() if _progress(step)]


def _person(steps: Sequence[Step]) -> dict[str, str | None]:
    """Return the person's area and profile. There is one value per period, so that all programmes agree."""
    newest = sorted(steps, key=_recency, reverse=True)
    return {
        name: next((value for step in newest if (value := getattr(step, name))), None)
        for name in ("area", "sex", "age_band")
    }


def _progress(step: Step) -> Progress | None:
    return _progress_of(step.state)


@cache
def _progress_of(state: str) -> Progress | None:
    return progress(ReferralState(state))


def _recency(step: Step) -> tuple[datetime, str, int]:
    return step.occurred_at, str(step.referral_id), step.version


RULES: Mapping[Measure, Rule[Any]] = {
    Measure.REFERRED_PERSONS: Rule(referred, further, place_of),
    Measure.SCREENED_PERSONS: Rule(screenings.screened, screenings.further, screenings.place_of),
}
