"""How sure the numbers of a view are: the posterior of its joint cubes, seen through its codes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from reporting.ground.protection.arrays import Bools, Whole, np
from reporting.ground.protection.moments import Moments
from reporting.ground.protection.posterior import Source, Unions

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
class Table:
    """Counts by the dimensions at `positions`, which have so many codes each: `at` says where each count
    stands, a place per dimension, and `shown` what it shows."""

    positions: tuple[int, ...]
    sizes: tuple[int, ...]
    at: Whole
    shown: Whole

    @cached_property
    def _numbered(self) -> Whole:
        """Which count stands where. Only what is asked for is looked up, however many places the table has."""
        many = len(self.shown)
        numbered = np.full(prod(self.sizes) + 1, many, np.int64)
        numbered[self._place(self.at.T)] = np.arange(many)
        return numbered

    def rows(self, places: Whole, inside: Bools) -> Whole:
        """Of cells at these places of all dimensions: the count that each is part of, or how many there are."""
        columns = places.T[list(self.positions)]
        found: Whole = self._numbered[np.where(inside, self._place(columns), -1)]
        return found

    def _place(self, columns: Whole) -> Whole:
        place = np.zeros(columns.shape[1], np.int64)
        for column, size in zip(columns, self.sizes, strict=True):
            place = place * size + column
        return place


@dataclass(frozen=True)
class Certainty:
    """Of a view over one or several joint cubes, all rounded to multiples of k."""

    parts: tuple[Part, ...]
    k: int

    def intervals(
        self, passes: Mapping[int, Bools], tables: Sequence[Table]
    ) -> list[list[tuple[int, int]]]:
        """Low and high of the counts of each table, over the cells whose codes `passes` lets pass. All are
        computed together: a table takes hardly longer than one count."""
        ends = np.cumsum([len(each.shown) for each in tables])
        shown = np.concatenate([each.shown for each in tables])
        if not len(shown):
            return [[] for _ in tables]
        some = frozenset(each for each, passing in passes.items() if not passing.all())
        moments = Moments.none(len(shown))
        for part in self.parts:
            inside = [_passing(places, passes) for places in part.places]
            unions = [_unions(part, table, inside, some) for table in tables]
            moments = moments.plus(part.source.posterior.moments(unions))
        found = moments.intervals(shown, self.k)
        return [found[end - len(each.shown) : end] for each, end in zip(tables, ends, strict=True)]


def _passing(places: Whole, passes: Mapping[int, Bools]) -> Bools:
    inside: Bools = places[:, 0] >= 0
    for position, passing in passes.items():
        inside = inside & passing[places[:, position]]
    return inside


def _unions(part: Part, table: Table, inside: Sequence[Bools], some: frozenset[int]) -> Unions:
    """What `part` adds to each count of the table. Of the dimensions `some` not all codes pass."""
    many = len(table.shown)
    ways = [table.rows(*each) for each in zip(part.places, inside, strict=True)]
    if len(ways) > 1:  # who leaves where she arrives is no change
        stays = ways[0] == ways[1]
        ways = [np.where(stays, many, each) for each in ways]
    parted = part.always.union(part.reads[each] for each in some.union(table.positions))
    return Unions(many, parted, ways)


def together(known: Iterable[Certainty]) -> Certainty:
    """Of a sum over periods: they are rounded independently of each other."""
    certainties = tuple(known)
    return Certainty(tuple(p for each in certainties for p in each.parts), certainties[0].k)
