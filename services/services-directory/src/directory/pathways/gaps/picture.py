"""What was asked of the gaps and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from directory.pathways.gaps.matrix import Row, StepWithoutService


@dataclass(frozen=True, slots=True)
class GapQuery:
    """Areas of `level` inside `area`; without needs or groups all of them."""

    area: str
    level: int
    needs: Sequence[str] = ()
    groups: Sequence[str] = ()
    only_gaps: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows in area, need, group order; `weighted` is empty without a population table."""

    question: GapQuery
    as_of: date
    areas: list[str]
    needs: list[str]
    rows: list[Row]
    open_steps: list[StepWithoutService]
    weighted: dict[str, dict[str, int]]
