"""An attacker who has what anybody can download: the tables of all programmes, their definitions, the
method. How programmes share people it derives from the definitions, not from what they declare.

Per population and period: a variable for each finest published count, bounds by the method, and for
each pair of programmes what the definitions say of their common margins (equal, or not larger).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from math import prod

from reporting.programmes.definition import Programme
from reporting.protection.protected import Coordinates

from tests.services.reporting.attacks.attacker import Attacker, Range

Table = Mapping[Coordinates, int]
"""A programme's finest published counts."""
Group = Mapping[str, frozenset[str]]
"""Dimension of the population → codes."""
FEW = 400


def joint_codes(programme: Programme) -> dict[str, frozenset[str]]:
    return {each.name: frozenset(each.dimension.codes) for each in programme.population.dimensions}


def people(programme: Programme, name: str) -> frozenset[str]:
    """The codes of a population's dimension that a programme's people have."""
    every = joint_codes(programme)[name]
    return every & frozenset(programme.where.get(name, every))


def behind(programme: Programme, dimension: str, code: str) -> frozenset[str]:
    """The population's codes that an own code stands for."""
    source = programme.sources[dimension]
    into = programme.into.get(dimension, {})
    return frozenset(c for c in people(programme, source) if into.get(c, c) == code)


class Outsider:
    """Holds the constraints of one population and period. `apart`: every programme was rounded by
    itself, so each of its cells is within k of the truth; else only joint cells are."""

    def __init__(self, tables: Sequence[tuple[Programme, Table]], *, apart: bool) -> None:
        self.tables = tables
        self.attacker = Attacker()
        self.k = tables[0][0].k
        self.variables = [self._cells(programme, table, apart=apart) for programme, table in tables]
        for one, other in combinations(range(len(tables)), 2):
            self._link(one, other)

    def _cells(self, programme: Programme, table: Table, *, apart: bool) -> dict[Coordinates, int]:
        """A variable per shown cell; what shows 0 is held together per code of each dimension."""
        room = prod(len(codes) for codes in joint_codes(programme).values())
        shown = [sorted({at[p] for at in table}) for p in range(len(programme.dimensions))]
        found: dict[Coordinates, int] = {}
        inner = room // prod(len(d.dimension.codes) for d in programme.dimensions)
        for at in product(*shown):
            r = table.get(at, 0)
            if apart:
                low, high = max(0, r - self.k + 1), r + self.k - 1
            else:
                # One joint cell may be behind it, or r/k cells of one person each, and hidden ones.
                low, high = min(max(0, r - self.k + 1), r // self.k), r + (self.k - 1) * inner
            found[at] = self.attacker.variable(low, high)
        return found

    def _link(self, one: int, other: int) -> None:
        first, second = self.tables[one][0], self.tables[other][0]
        for group in _groups(first, second):
            inside = [
                [v for at, v in self.variables[n].items() if _within(p, at, group)]
                for n, p in ((one, first), (other, second))
            ]
            row = dict.fromkeys(inside[0], 1.0) | dict.fromkeys(inside[1], -1.0)
            spare = [self._spare(n, p, group) for n, p in ((one, first), (other, second))]
            parts = [_part(p, group) for p in (first, second)]
            least, most = -float("inf"), float("inf")
            # Codes that are shown nowhere may hide people on either side.
            if parts[0] == parts[1] or _inside(parts[1], parts[0]):
                least = -spare[0]
            if parts[0] == parts[1] or _inside(parts[0], parts[1]):
                most = spare[1]
            if inside[0] or inside[1]:
                self.attacker.constrain(row, least, most)

    def _spare(self, number: int, programme: Programme, group: Group) -> float:
        """How many may be hidden in cells of the group that have no variable."""
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
        return float((cells - known) * (self.k - 1))

    def proofs(self, most: int = 5) -> Iterator[tuple[str, Mapping[str, str], Range]]:
        """The margins of shown cells, by at most so many dimensions, whose true count is proved to be
        1 … k−1."""
        for (programme, _), variables in zip(self.tables, self.variables, strict=True):
            names = [each.name for each in programme.dimensions]
            patterns = {
                tuple(sorted(pairs))
                for at in variables
                for size in range(min(most, len(names)) + 1)
                for pairs in combinations(list(zip(names, at, strict=True)), size)
            }
            for pattern in sorted(patterns, key=lambda each: (len(each), each))[:FEW]:
                wanted = dict(pattern)
                inside = [
                    v
                    for at, v in variables.items()
                    if all(dict(zip(names, at, strict=True))[n] == c for n, c in wanted.items())
                ]
                if sum(self.attacker.low[v] for v in inside) >= self.k:
                    continue
                found = self.attacker.range(inside)
                if found.small(self.k):
                    yield programme.id, wanted, found


def _groups(first: Programme, second: Programme) -> Iterator[Group]:
    """The finest groups of the population that both tables can be summed to, and all together."""
    common = [s for s in first.sources.values() if s in second.sources.values()]
    blocks = [_blocks(first, second, source) for source in common]
    yield {}
    for size in range(1, len(common) + 1):
        for chosen in combinations(range(len(common)), size):
            for picked in product(*(blocks[c] for c in chosen)):
                yield {common[c]: block for c, block in zip(chosen, picked, strict=True)}


def _blocks(first: Programme, second: Programme, source: str) -> list[frozenset[str]]:
    """Codes of a dimension that neither table can be read without the others of their block."""
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
