"""The integer-programming attacker. Everything published becomes constraints, which bound the true counts.

The program is the same for rounded and for suppressed tables; only the meaning of a published number differs. It breaks
suppression, which proves that it is strong enough.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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


def covers(pattern: Pattern, at: Coordinates) -> bool:
    return all(wanted in (None, code) for wanted, code in zip(pattern, at, strict=True))


@dataclass(frozen=True)
class Range:
    """The smallest and largest true counts that all published numbers still allow."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        return self.least == self.most

    def small(self, k: int) -> bool:
        return self.least >= 1 and self.most < k


@dataclass
class Attacker:
    """Linear constraints over integer variables, and the ranges that follow from them."""

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
        """Return the bounds of a sum of variables. Raise ValueError if no true counts fit the published numbers."""
        wanted = np.zeros(len(self.low))
        wanted[list(variables)] = 1.0
        return Range(self._bound(wanted, 1), self._bound(wanted, -1))

    def _bound(self, wanted: Floats, sign: int) -> int:
        return round(float(wanted @ self.extreme(wanted, sign)))

    def extreme(self, wanted: Floats, sign: int) -> Floats:
        """Return the fitting true counts for which `wanted` is smallest (1) or largest (−1)."""
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
