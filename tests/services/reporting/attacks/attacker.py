"""The integer-programming attacker: everything published as constraints, then bounds on true counts.

It is the same program for rounded and for suppressed tables; what differs is what the publisher's
method says about a published number. That it breaks suppression shows that it is strong enough.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray
from reporting.ground.protection.protected import Coordinates
from scipy.optimize import (  # type: ignore[import-untyped] # scipy ships no types
    Bounds,
    LinearConstraint,
    milp,
)
from scipy.sparse import csr_array  # type: ignore[import-untyped] # scipy ships no types

Floats = NDArray[np.float64]
Pattern = tuple[str | None, ...]
"""A margin: a code per dimension, None where it is summed over."""


def every_margin(codes: Sequence[Sequence[str]]) -> Iterator[Pattern]:
    """All cells and all margins of a cube, the total included."""
    yield from product(*((None, *each) for each in codes))


def covers(pattern: Pattern, at: Coordinates) -> bool:
    return all(wanted in (None, code) for wanted, code in zip(pattern, at, strict=True))


@dataclass(frozen=True)
class Range:
    """Smallest and largest true count that everything published still allows."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        return self.least == self.most

    def small(self, k: int) -> bool:
        return self.least >= 1 and self.most < k


@dataclass
class Attacker:
    """Linear constraints over whole-number variables, and the ranges that follow."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[Mapping[int, float]] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)

    def variable(self, low: float, high: float) -> int:
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def constrain(self, row: Mapping[int, float], least: float, most: float) -> None:
        self.rows.append(row)
        self.least.append(least)
        self.most.append(most)

    def range(self, variables: Iterable[int]) -> Range:
        """Bounds of a sum of variables; ValueError if nothing true fits what is published."""
        wanted = np.zeros(len(self.low))
        wanted[list(variables)] = 1.0
        return Range(self._bound(wanted, 1), self._bound(wanted, -1))

    def _bound(self, wanted: Floats, sign: int) -> int:
        return round(float(wanted @ self.extreme(wanted, sign)))

    def extreme(self, wanted: Floats, sign: int) -> Floats:
        """The truth that fits what is published in which `wanted` is smallest (1) or largest (−1)."""
        answer = milp(
            sign * wanted,
            integrality=np.ones(len(wanted)),
            bounds=Bounds(self.low, self.high),
            constraints=self._constraint(),
        )
        if answer.x is None:
            raise ValueError("nothing fits what is published")
        found: Floats = answer.x
        return found

    def _constraint(self) -> LinearConstraint | None:
        if not self.rows:
            return None
        entries = [(n, v, f) for n, row in enumerate(self.rows) for v, f in row.items()]
        numbers, variables, factors = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(self.rows), len(self.low))
        matrix = csr_array((factors, (numbers, variables)), shape=shape)
        return LinearConstraint(matrix, self.least, self.most)


def of_rounded(
    published: Mapping[Pattern, int],
    cells: Sequence[Coordinates],
    k: int,
    own: Mapping[Coordinates, int] | None = None,
) -> tuple[Attacker, dict[Coordinates, int]]:
    """Knows every published sum and the method: r_i = k·q_i, |n_i − r_i| < k, zeros may be few.

    `own` are an insider's contributions: the variables are then what others contributed.
    """
    attacker, others, multiples = Attacker(), {}, {}
    most = max(published.values()) + k
    for at in cells:
        mine = (own or {}).get(at, 0)
        others[at] = attacker.variable(0, most)
        multiples[at] = attacker.variable(0, most // k)
        row = {others[at]: 1.0, multiples[at]: -float(k)}
        attacker.constrain(row, -(k - 1) - mine, k - 1 - mine)
    for pattern, value in published.items():
        inside = [multiples[at] for at in cells if covers(pattern, at)]
        attacker.constrain(dict.fromkeys(inside, float(k)), value, value)
    return attacker, others


def of_suppressed(
    published: Mapping[Pattern, int | None], cells: Sequence[Coordinates], k: int
) -> tuple[Attacker, dict[Coordinates, int]]:
    """Knows every number that is shown exactly, and that a hidden one lies in 1 … k−1."""
    attacker, variables = Attacker(), {}
    for at in cells:
        shown = published[at]
        variables[at] = (
            attacker.variable(1, k - 1) if shown is None else attacker.variable(shown, shown)
        )
    for pattern, shown in published.items():
        inside = {variables[at]: 1.0 for at in cells if covers(pattern, at)}
        if shown is None:
            attacker.constrain(inside, 1, k - 1)
        else:
            attacker.constrain(inside, shown, shown)
    return attacker, variables
