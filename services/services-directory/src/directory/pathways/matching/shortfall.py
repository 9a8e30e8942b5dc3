"""Explains why nothing fits a step, which services came closest, and where the nearest fitting service is located."""

from collections.abc import Sequence
from dataclasses import dataclass

from directory.pathways.matching.eligibility import AREA
from directory.pathways.matching.ranking import Missed
from directory.pathways.matching.reach import OUT_OF_REACH, REACH_UNKNOWN, TIMES

NEAR_MISSES_SHOWN = 5
_ELSEWHERE = frozenset({AREA, OUT_OF_REACH, REACH_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The shortfall of a step. `nearest` contains services that fit except for their place. `near_misses` contains
    those that fail the fewest conditions; those that are only late come first. `excluded` counts services by the
    condition that excluded them, except the area, in code order."""

    nearest: Missed | None
    near_misses: tuple[Missed, ...]
    excluded: tuple[tuple[str, int], ...]

    @property
    def late(self) -> bool:
        """Return whether a service here fits except for its timing."""
        return any(map(only_late, self.near_misses))


def only_late(missed: Missed) -> bool:
    """Return whether the service would fit if it opened, responded or could be reached sooner."""
    return _codes(missed) <= TIMES


def explain(missed: Sequence[Missed]) -> Shortfall:
    """Explain the shortfall. `missed` is in rank order: fewest exclusions first, then nearest, then id."""
    elsewhere = [each for each in missed if _codes(each) <= _ELSEWHERE]
    nearest = min(
        elsewhere,
        key=lambda each: (each.proximity.order, each.candidate.service_id),
        default=None,
    )
    here = [each for each in missed if not _codes(each) & _ELSEWHERE]
    counts: dict[str, int] = {}
    for each in here:
        for code in _codes(each):
            counts[code] = counts.get(code, 0) + 1
    here.sort(key=lambda each: not only_late(each))
    return Shortfall(nearest, tuple(here[:NEAR_MISSES_SHOWN]), tuple(sorted(counts.items())))


def _codes(missed: Missed) -> set[str]:
    return {reason.code for reason in missed.excluded_by}
