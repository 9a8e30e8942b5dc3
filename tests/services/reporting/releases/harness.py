"""What an attacker can prove. The harness enumerates every table that could be behind a published one.

The attacker knows the method but not the key. A view is bad if every value that is still possible for some union of
cells (minus the insider's own knowledge) lies in 1 … k−1.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Table = tuple[int, ...]
Support = Callable[[Table], Iterable[Table]]
"""From true counts to every output that some key gives."""
Ints = NDArray[np.int64]


def box(n: int, k: int) -> tuple[int, ...]:
    """Return the neighbouring multiples of k, or only n if it is a multiple itself."""
    return (n,) if n % k == 0 else (k * (n // k), k * (n // k) + k)


def boxes(n: Table, k: int) -> Iterator[Table]:
    """Yield every combination of neighbouring multiples."""
    return product(*(box(each, k) for each in n))


@dataclass(frozen=True)
class Verdict:
    """The number of views that an insider has, and how many of them prove a small count."""

    views: int
    bad: int

    @property
    def share(self) -> float:
        return self.bad / self.views if self.views else 0.0


class Attacker:
    """An attacker that knows, for each output, all tables with entries up to `limit` that can produce it."""

    def __init__(self, support: Support, cells: int, k: int, limit: int) -> None:
        self.k = k
        self.cells = cells
        self.unions = np.array(list(product((0, 1), repeat=cells)))[1:].T
        possible: dict[Table, list[Table]] = {}
        for n in product(range(limit + 1), repeat=cells):
            for r in support(n):
                possible.setdefault(r, []).append(n)
        # Outputs near the limit could also come from larger tables, which were not enumerated.
        top = max(max(r) for r in possible)
        self.possible = {r: np.array(tables) for r, tables in possible.items() if max(r) < top}

    def outsider(self) -> Verdict:
        return self._sum(self._bad(tables) for tables in self.possible.values())

    def knows_subsets(self, subsets: Iterable[tuple[int, ...]]) -> Verdict:
        """Return the verdict for an insider who knows the exact count of each cell in the subset, about all other
        cells."""
        return self._sum(
            self._bad_given(tables, subset)
            for subset in subsets
            for tables in self.possible.values()
        )

    def knows_own_contributions(self, most: int) -> Verdict:
        """Return the verdict for an insider who knows its own share of each cell, about the others' contributions."""
        return self._sum(self._verdicts_of_contributions(most))

    def _verdicts_of_contributions(self, most: int) -> Iterator[tuple[int, int]]:
        for tables in self.possible.values():
            for own in product(range(most + 1), repeat=self.cells):
                others = tables - np.array(own)
                yield self._bad(others[(others >= 0).all(axis=1)])

    def _bad_given(self, tables: Ints, subset: tuple[int, ...]) -> tuple[int, int]:
        views = bad = 0
        columns = list(subset)
        for value in {tuple(row) for row in tables[:, columns].tolist()}:
            rest = tables[(tables[:, columns] == value).all(axis=1)].copy()
            rest[:, columns] = 0
            seen, found = self._bad(rest)
            views, bad = views + seen, bad + found
        return views, bad

    def _bad(self, tables: Ints) -> tuple[int, int]:
        """Return (1 view, whether the view proves a small count for any union of cells). An empty view does not
        count."""
        if not len(tables):
            return 0, 0
        sums = tables @ self.unions
        small = (sums.min(axis=0) >= 1) & (sums.max(axis=0) < self.k)
        return 1, int(small.any())

    @staticmethod
    def _sum(verdicts: Iterable[tuple[int, int]]) -> Verdict:
        views = bad = 0
        for seen, found in verdicts:
            views, bad = views + seen, bad + found
        return Verdict(views, bad)
