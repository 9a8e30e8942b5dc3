"""How sure the numbers of a view are: the posterior of its joint cubes, seen through its codes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reporting.protection.moments import Moments
from reporting.protection.posterior import Source

Whole = NDArray[np.int64]
Bools = NDArray[np.bool_]
Place = tuple[int, ...]
Look = Callable[[Whole], Whole]


@dataclass(frozen=True)
class Part:
    """What one joint cube adds, and in a flow takes away. `look` says where rows of the cube stand in
    the view, `leave` where they are taken from: a place per dimension, −1 in the first where they
    aren't."""

    source: Source
    reads: tuple[int, ...]
    """For each dimension of the view, which one of the cube it reads."""
    always: frozenset[int]
    """The dimensions of the cube of which the view holds some codes only, whatever is asked."""
    look: Look
    leave: Look | None = None

    @cached_property
    def places(self) -> tuple[Whole, ...]:
        looks = filter(None, (self.look, self.leave))
        return tuple(look(self.source.posterior.at) for look in looks)


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

        def rows(places: Whole) -> Whole:
            inside = places[:, 0] >= 0
            row = np.zeros(len(places), np.int64)
            for position, size in zip(positions, sizes, strict=True):
                row = row * size + places[:, position]
            for position, passing in passes.items():
                inside = inside & passing[places[:, position]]
            found: Whole = numbered[np.where(inside, row, every)]
            return found

        asked = {*positions, *(p for p, passing in passes.items() if not passing.all())}
        for part in self.parts:
            into, *out = map(rows, part.places)
            parted = part.always.union(part.reads[position] for position in asked)
            moments = moments.plus(part.source.posterior.moments(into, len(wanted), parted, *out))
        return moments.intervals(np.array([shown for _, shown in found]), self.k)


def together(known: Iterable[Certainty]) -> Certainty:
    """Of a sum over periods: they are rounded independently of each other."""
    certainties = tuple(known)
    return Certainty(tuple(p for each in certainties for p in each.parts), certainties[0].k)
