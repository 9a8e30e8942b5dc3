"""Reasons for and against a service, as codes and numbers. The module `sentences.py` turns them into sentences."""

from enum import StrEnum
from typing import NamedTuple


class Weight(StrEnum):
    """The weight of a reason. `excludes` explains a near miss. `check` means that the fact is unknown and the
    caseworker must ask."""

    FOR = "for"
    AGAINST = "against"
    EXCLUDES = "excludes"
    CHECK = "check"


class Reason(NamedTuple):
    """A reason. The sum of all `points` is a service's rank; exclusions and checks have no points."""

    code: str
    weight: Weight
    points: int = 0
    facts: tuple[tuple[str, str | int], ...] = ()
