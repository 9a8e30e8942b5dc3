"""How sure the numbers of a view are: the posterior of its joint cubes, seen through its codes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reporting.protection.posterior import Moments, Source

Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]
Place = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """What one joint cube adds (`sign` 1) or takes away (−1). `look` says where rows of the cube
    stand in the view: a place per dimension, −1 in the first where they don't."""

    source: Source
    look: Callable[[Whole], Whole]
    sign: int = 1

    @cached_property
    def places(self) -> Whole:
        return self.look(self.source.posterior.at)


@dataclass(frozen=True)
class Certainty:
    """Of a view over one or several joint cubes, all rounded to multiples of k."""

    parts: tuple[Part, ...]
    k: int

    def intervals(
        self,
        positions: Sequence[int],
        sizes: Sequence[int],
        passes: Mapping[int, Bools],
        found: Sequence[tuple[Place, int]],
    ) -> list[tuple[int, int]]:
        """Low and high of the counts at these places of the dimensions at `positions`, over the
        cells whose codes `passes` lets pass."""
        if not found:
            return []
        every = int(np.prod(sizes)) if len(sizes) else 1
        wanted = [int(np.ravel_multi_index(at, tuple(sizes))) if at else 0 for at, _ in found]
        # Only what is asked for is looked up, however many places the table has.
        numbered = np.full(every + 1, -1, np.int64)
        numbered[wanted] = np.arange(len(wanted))
        moments = Moments.none(len(wanted))
        for part in self.parts:
            inside = part.places[:, 0] >= 0
            row = np.zeros(len(part.places), np.int64)
            for position, size in zip(positions, sizes, strict=True):
                row = row * size + part.places[:, position]
            for position, passing in passes.items():
                inside = inside & passing[part.places[:, position]]
            row = numbered[np.where(inside, row, every)]
            moments = moments.plus(part.source.posterior.moments(row, len(wanted)), part.sign)
        return moments.intervals(np.array([shown for _, shown in found]), self.k)


def together(known: Iterable[Certainty]) -> Certainty:
    """Of a sum over periods: they are rounded independently of each other."""
    certainties = tuple(known)
    return Certainty(tuple(p for each in certainties for p in each.parts), certainties[0].k)
