"""An attacker with everything that anybody can download: the tables of all programmes, their definitions and the
method. The definitions show how programmes share people.

Each population and period has a variable for each finest published count, bounded by the method. For each pair of
programmes, the definitions relate their common margins (equal, or not larger). Over several periods, everybody in a
part is also in the longer span, and everybody in the span is in at least one part.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations, product
from math import prod

import numpy as np
from numpy.typing import NDArray
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import Coordinates

from tests.services.reporting.attacks.attacker import Attacker, Range

Table = Mapping[Coordinates, int]
"""A programme's finest published counts."""
Group = Mapping[str, frozenset[str]]
"""Dimension of the population → codes."""


def joint_codes(programme: Programme) -> dict[str, frozenset[str]]:
    return {each.name: frozenset(each.dimension.codes) for each in programme.population.dimensions}


def people(programme: Programme, name: str) -> frozenset[str]:
    """Return the codes of a population's dimension that occur among a programme's people."""
    every = joint_codes(programme)[name]
    return every & frozenset(programme.where.get(name, every))


def behind(programme: Programme, dimension: str, code: str) -> frozenset[str]:
    """Return the population's codes that map to one of the programme's codes."""
    source = programme.sources[dimension]
    into = programme.into.get(dimension, {})
    return frozenset(c for c in people(programme, source) if into.get(c, c) == code)


class Method(StrEnum):
    """The rounding method, which the attacker knows."""

    JOINT = "one joint cube, rounded once"
    APART = "each programme rounded by itself"
    SUPPRESSED = "exact with all margins, but for counts of 1 to k-1, which are hidden"


class Outsider:
    """The constraints of one population: the tables of a period, or of several periods and their spans (see `span`).

    `own` contains what a partner knows from its own records, by cells of the population. The variables are then the
    others' contributions.
    """

    def __init__(self, k: int, method: Method) -> None:
        self.k = k
        self.method = method
        self.attacker = Attacker()
        self.tables: list[Programme] = []
        self.variables: list[dict[Coordinates, int]] = []
        self._seen: list[NDArray[np.float64]] = []

    def period(
        self,
        tables: Sequence[tuple[Programme, Table]],
        own: Mapping[Coordinates, int] | None = None,
    ) -> list[int]:
        """Add the tables of one period; return their indexes."""
        first = len(self.tables)
        for programme, table in tables:
            mine = seen_by(programme, own or {})
            self.tables.append(programme)
            self.variables.append(self._cells(programme, table, mine))
            if self.method is Method.SUPPRESSED:
                self._margins(len(self.tables) - 1, table, mine)
        places = list(range(first, len(self.tables)))
        for one, other in combinations(places, 2):
            self._link(one, other)
        return places

    def span(self, whole: int, parts: Sequence[int]) -> None:
        """Add a programme's table of a month, quarter or year, and the tables of its parts."""
        everybody = [list(self.variables[each].values()) for each in (whole, *parts)]
        if any(not each for each in everybody):
            return  # A table that shows zero people may still hide some.
        spare = [self._spare(each, self.tables[each], {}) for each in (whole, *parts)]
        for part in everybody[1:]:
            row = dict.fromkeys(everybody[0], 1.0) | dict.fromkeys(part, -1.0)
            self.attacker.constrain(row, -spare[0], float("inf"))
        row = dict.fromkeys(everybody[0], -1.0)
        for part in everybody[1:]:
            row |= dict.fromkeys(part, 1.0)
        self.attacker.constrain(row, -sum(spare[1:]), float("inf"))

    def over(self, programme: Programme, table: Table, own: Mapping[Coordinates, int]) -> int:
        """Add a span's flow table, whose cells reveal little about the true cells."""
        mine = seen_by(programme, own)
        self.tables.append(programme)
        room = prod(len(d.codes) for d in programme.population.cube_dimensions)
        self.variables.append(
            {
                at: self.attacker.variable(0, max(0, r) + (self.k - 1) * room - sum(mine[at]))
                for at, r in table.items()
            }
        )
        return len(self.tables) - 1

    def _cells(
        self, programme: Programme, table: Table, own: Mapping[Coordinates, Sequence[int]]
    ) -> dict[Coordinates, int]:
        """Add a variable for each shown cell. Cells that show 0 form one group per code of each dimension."""
        codes = [sorted({at[p] for at in {*table, *own}}) for p in range(len(programme.dimensions))]
        inner = _inner(programme)
        return {
            at: self.attacker.variable(*self._bounds(table.get(at, 0), own.get(at, ()), inner))
            for at in product(*codes)
        }

    def _bounds(self, r: int, own: Sequence[int], inner: int) -> tuple[int, int]:
        k, mine = self.k, sum(own)
        if self.method is Method.SUPPRESSED:
            low, high = self._hidden(r)
            return max(0, low - mine), max(0, high - mine)
        if self.method is Method.APART:
            return max(0, r - k + 1 - mine), max(0, r + k - 1 - mine)
        # The count comes from one joint cell, or from r/k cells of one person each and hidden cells. Each own record may have
        # raised its cell.
        explained = sum(k * -(-each // k) for each in own)
        low = min(max(0, r - k + 1 - mine), max(0, r - explained) // k)
        return low, max(0, r + (k - 1) * inner - mine)

    def _hidden(self, n: int) -> tuple[int, int]:
        return (1, self.k - 1) if 1 <= n < self.k else (n, n)

    def _margins(self, number: int, table: Table, own: Mapping[Coordinates, Sequence[int]]) -> None:
        inside: dict[tuple[str | None, ...], list[Coordinates]] = defaultdict(list)
        for at in self.variables[number]:
            for wanted in product(*((None, code) for code in at)):
                inside[wanted].append(at)
        for cells in inside.values():
            low, high = self._hidden(sum(table.get(at, 0) for at in cells))
            mine = sum(sum(own.get(at, ())) for at in cells)
            row = {self.variables[number][at]: 1.0 for at in cells}
            self.attacker.constrain(row, max(0, low - mine), max(0, high - mine))

    def _link(self, one: int, other: int) -> None:
        first, second = self.tables[one], self.tables[other]
        for group in _groups(first, second):
            inside = [
                [v for at, v in self.variables[n].items() if _within(p, at, group)]
                for n, p in ((one, first), (other, second))
            ]
            row = dict.fromkeys(inside[0], 1.0) | dict.fromkeys(inside[1], -1.0)
            spare = [self._spare(n, p, group) for n, p in ((one, first), (other, second))]
            parts = [_part(p, group) for p in (first, second)]
            least, most = -float("inf"), float("inf")
            # Codes that no table shows may hide people on either side.
            if parts[0] == parts[1] or _inside(parts[1], parts[0]):
                least = -spare[0]
            if parts[0] == parts[1] or _inside(parts[0], parts[1]):
                most = spare[1]
            if inside[0] or inside[1]:
                self.attacker.constrain(row, least, most)

    def _spare(self, number: int, programme: Programme, group: Group) -> float:
        """Return the number of people that cells without a variable may hide in the group."""
        cells = 1
        for each in programme.dimensions:
            wanted = group.get(programme.sources[each.name])
            codes = [
                c
                for c in each.dimension.codes
                if wanted is None or behind(programme, each.name, c) & wanted
            ]
            cells *= len(codes)
        known = sum(_within(programme, at, group) for at in self.variables[number])
        if self.method is Method.SUPPRESSED:
            return 0.0  # A true 0 is always shown as 0.
        behind_one = _inner(programme) if self.method is Method.JOINT else 1
        return float((cells - known) * (self.k - 1) * behind_one)

    def proofs(self, most: int = 5) -> Iterator[tuple[str, Mapping[str, str], Range]]:
        """Yield the margins of shown cells, over up to this many dimensions, whose true count is proved to be 1 …
        k−1."""
        for programme, variables in zip(self.tables, self.variables, strict=True):
            names = [each.name for each in programme.dimensions]
            patterns: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
            for at, variable in variables.items():
                pairs = list(zip(names, at, strict=True))
                for size in range(min(most, len(names)) + 1):
                    for chosen in combinations(pairs, size):
                        patterns[chosen].append(variable)
            for pattern, inside in patterns.items():
                found = self._small(inside)
                if found is not None:
                    yield programme.id, dict(pattern), found

    def recovered(self, cells: Sequence[tuple[int, Coordinates]]) -> int:
        """Return how many of these cells the attacker knows exactly."""
        return sum(self.attacker.range([self.variables[n][at]]).exact for n, at in cells)

    def _small(self, inside: Sequence[int]) -> Range | None:
        """Return the range if it is proved to be small. One fitting set of true counts with another value disproves it,
        so earlier sets are tried first."""
        low = sum(self.attacker.low[v] for v in inside)
        if low >= self.k or sum(self.attacker.high[v] for v in inside) < 1:
            return None
        for known in self._seen:
            if not 1 <= round(float(known[list(inside)].sum())) < self.k:
                return None
        wanted = np.zeros(len(self.attacker.low))
        wanted[list(inside)] = 1.0
        ends: list[int] = []
        for sign in (-1, 1):
            truth = self.attacker.extreme(wanted, sign)
            self._seen.append(truth)
            ends.append(round(float(wanted @ truth)))
            if not 1 <= ends[-1] < self.k:
                return None
        return Range(ends[1], ends[0])


def seen_by(
    programme: Programme, records: Mapping[Coordinates, int]
) -> dict[Coordinates, list[int]]:
    """Return the records that the programme shows, by cells as it shows them."""
    names = [each.name for each in programme.population.cube_dimensions]
    found: dict[Coordinates, list[int]] = defaultdict(list)
    for at, n in records.items():
        codes = dict(zip(names, at, strict=True))
        if all(codes[name] in wanted for name, wanted in programme.where.items()):
            place = tuple(
                programme.into.get(each.name, {}).get(code, code)
                for each in programme.dimensions
                for code in [codes[programme.sources[each.name]]]
            )
            found[place].append(n)
    return found


def _inner(programme: Programme) -> int:
    """Return the average number of population cells behind a programme's cell."""
    room = prod(len(d.codes) for d in programme.population.cube_dimensions)
    return room // prod(len(d.dimension.codes) for d in programme.dimensions)


def _groups(first: Programme, second: Programme) -> Iterator[Group]:
    """Yield the finest groups of the population into which both tables can be summed, and their union."""
    common = [s for s in first.sources.values() if s in second.sources.values()]
    blocks = [_blocks(first, second, source) for source in common]
    yield {}
    for size in range(1, len(common) + 1):
        for chosen in combinations(range(len(common)), size):
            for picked in product(*(blocks[c] for c in chosen)):
                yield {common[c]: block for c, block in zip(chosen, picked, strict=True)}


def _blocks(first: Programme, second: Programme, source: str) -> list[frozenset[str]]:
    """Return blocks of a dimension's codes that neither table can tell apart."""
    blocks: list[frozenset[str]] = []
    for programme in (first, second):
        name = next(n for n, s in programme.sources.items() if s == source)
        for dimension in programme.dimensions:
            if dimension.name == name:
                blocks += [behind(programme, name, c) for c in dimension.dimension.codes]
    merged: list[frozenset[str]] = []
    for block in filter(None, blocks):
        touching = [each for each in merged if each & block]
        merged = [each for each in merged if not each & block]
        merged.append(block.union(*touching))
    return merged


def _within(programme: Programme, at: Coordinates, group: Group) -> bool:
    return all(
        behind(programme, each.name, code) & group[programme.sources[each.name]]
        for each, code in zip(programme.dimensions, at, strict=True)
        if programme.sources[each.name] in group
    )


def _part(programme: Programme, group: Group) -> dict[str, frozenset[str]]:
    return {
        name: people(programme, name) & group.get(name, codes)
        for name, codes in joint_codes(programme).items()
    }


def _inside(few: Mapping[str, frozenset[str]], many: Mapping[str, frozenset[str]]) -> bool:
    return all(codes <= many[name] for name, codes in few.items())
