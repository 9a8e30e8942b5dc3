"""Reasons for and against a service, in codes and numbers; wording.py says them in two languages."""

from enum import StrEnum
from typing import NamedTuple


class Weight(StrEnum):
    """`excludes` is a near miss's cause; `check` is unknown and must be asked."""

    FOR = "for"
    AGAINST = "against"
    EXCLUDES = "excludes"
    CHECK = "check"


class Reason(NamedTuple):
    """`points` add up to a service's rank; exclusions and checks carry none."""

    code: str
    weight: Weight
    points: int = 0
    facts: tuple[tuple[str, str | int], ...] = ()
