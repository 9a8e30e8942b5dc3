"""The integer-programming attacker: what can be proved from everything that is published together.

Cubes over the same people are linked: their common margins are equal (or, where one counts only a
part of them, not larger). The attacker knows all published cells, every code list, the method and
k; not the key. For a union of cells it finds the smallest and largest true count that are still
possible. A union with 1 ≤ smallest and largest < k is a hit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import (  # type: ignore[import-untyped] # scipy ships no types
    Bounds,
    LinearConstraint,
    milp,
)
from scipy.sparse import csr_array  # type: ignore[import-untyped] # scipy ships no types

from reporting.releases.protected import Coordinates, ProtectedCube

Floats = NDArray[np.float64]
Pattern = Mapping[str, str]
"""A union of cells: dimension → code; a dimension that is not named is summed over."""


@dataclass(frozen=True)
class LinkedCube:
    """A published cube, and the part of the common population that it counts (`Programme.part`)."""

    cube: ProtectedCube
    part: tuple[str, ...] = ()

    def within(self, other: "LinkedCube") -> bool:
        """Whether everybody counted here is counted in `other` as well."""
        return self.part[: len(other.part)] == other.part


@dataclass(frozen=True)
class Hit:
    """A union of cells whose true count is proved to lie in 1 … k−1."""

    programme: str
    pattern: Pattern
    least: int
    most: int


@dataclass(frozen=True)
class _Group:
    """Cells of one cube that stand for the same thing in a question: one variable each.

    Cells that show 0 are held together: only their number matters.
    """

    cube: int
    at: Pattern
    inside: bool
    low: int
    high: int
    cell: Coordinates | None = None


def hits(cubes: Sequence[LinkedCube]) -> Iterator[Hit]:
    """All hits among the cells and margins that hold a published cell, of every cube.

    A union that shows 0 everywhere can be empty unless another cube forces it; such unions are
    tried where they are whole codes of a shared dimension, and as the total. Most unions need no
    solving of their own: one true table that fits everything and has k or more there clears them.
    """
    if len(cubes) < 2:
        return  # one cube alone has full support: nothing small can be proved (Theorem 1)
    largest = _largest_table(cubes)
    for number, linked in enumerate(cubes):
        cleared = _margins_from(linked.cube, largest[number])
        for pattern in patterns(linked.cube, shared_dimensions(cubes, number)):
            if cleared.get(tuple(pattern.items()), 0) >= linked.cube.k:
                continue
            least, most = possible(cubes, number, pattern)
            if least >= 1 and most < linked.cube.k:
                yield Hit(linked.cube.programme, pattern, least, most)


def _largest_table(cubes: Sequence[LinkedCube]) -> list[dict[Coordinates, int]]:
    """A table that fits all cubes together and has as much as possible in published cells."""
    groups = list(_groups(cubes, 0, {}))
    wanted = np.array([1.0 if group.cell is not None else 0.0 for group in groups])
    values = _solve(cubes, groups, -wanted)
    found: list[dict[Coordinates, int]] = [{} for _ in cubes]
    for group, value in zip(groups, values, strict=True):
        if group.cell is not None:
            found[group.cube][group.cell] = value
    return found


def _margins_from(
    cube: ProtectedCube, table: Mapping[Coordinates, int]
) -> Counter[tuple[tuple[str, str], ...]]:
    """What the published cells alone add to every margin: a lower bound on what a union can be."""
    sums: Counter[tuple[tuple[str, str], ...]] = Counter()
    for at, count in table.items():
        named = tuple(zip(cube.names, at, strict=True))
        for size in range(len(named) + 1):
            for pattern in combinations(named, size):
                sums[pattern] += count
    return sums


def possible(cubes: Sequence[LinkedCube], number: int, pattern: Pattern) -> tuple[int, int]:
    """Smallest and largest true count of a union of one cube, given all cubes together."""
    groups = list(_groups(cubes, number, pattern))
    inside = np.array([1.0 if g.cube == number and g.inside else 0.0 for g in groups])
    least, most = (inside @ _solve(cubes, groups, sign * inside) for sign in (1, -1))
    return round(float(least)), round(float(most))


def _solve(cubes: Sequence[LinkedCube], groups: Sequence[_Group], cost: Floats) -> list[int]:
    """The cheapest whole numbers that fit what is published and how the cubes are linked."""
    answer = milp(
        cost,
        integrality=np.ones(len(groups)),
        bounds=Bounds([g.low for g in groups], [g.high for g in groups]),
        constraints=_constraint(cubes, groups),
    )
    if answer.x is None:
        raise ValueError("no true counts fit what is published: the links are wrong")
    return [round(value) for value in answer.x]


def patterns(cube: ProtectedCube, shared: Iterable[str]) -> Iterator[Pattern]:
    """Every margin of every published cell, whole codes of shared dimensions, and the total."""
    seen: set[tuple[tuple[str, str], ...]] = {()}
    yield {}
    for name in shared:
        seen.update(((name, code),) for code in cube.dimension(name).codes)
    for at in cube.cells:
        named = tuple(zip(cube.names, at, strict=True))
        for size in range(1, len(named) + 1):
            seen.update(combinations(named, size))
    yield from (dict(pattern) for pattern in sorted(seen) if pattern)


def shared_dimensions(cubes: Sequence[LinkedCube], number: int) -> tuple[str, ...]:
    """Dimensions of one cube that another has with the same codes."""
    mine = cubes[number].cube
    others = [linked.cube for i, linked in enumerate(cubes) if i != number]
    return tuple(
        dimension.name
        for dimension in mine.dimensions
        if any(_agree(mine, other, dimension.name) for other in others)
    )


def _agree(one: ProtectedCube, other: ProtectedCube, name: str) -> bool:
    return name in other.names and one.dimension(name).codes == other.dimension(name).codes


def _groups(cubes: Sequence[LinkedCube], number: int, pattern: Pattern) -> Iterator[_Group]:
    for i, linked in enumerate(cubes):
        cube, asked = linked.cube, pattern if i == number else {}
        shared = shared_dimensions(cubes, i)
        hidden: dict[tuple[Coordinates, bool], int] = _cell_numbers(cube, shared, asked)
        for at, shown in cube.cells.items():
            named = dict(zip(cube.names, at, strict=True))
            inside = all(named[name] == code for name, code in asked.items())
            common = {name: named[name] for name in shared}
            hidden[tuple(common.values()), inside] -= 1
            yield _Group(i, common, inside, shown - cube.k + 1, shown + cube.k - 1, at)
        for (codes, inside), cells in hidden.items():
            if cells:
                common = dict(zip(shared, codes, strict=True))
                yield _Group(i, common, inside, 0, cells * (cube.k - 1))


def _cell_numbers(
    cube: ProtectedCube, shared: Sequence[str], asked: Pattern
) -> dict[tuple[Coordinates, bool], int]:
    """How many cells lie inside and outside the question, per combination of shared codes."""
    free = [each for each in cube.dimensions if each.name not in shared]
    whole = prod(len(each.codes) for each in free)
    inside_free = prod(1 if each.name in asked else len(each.codes) for each in free)
    numbers: dict[tuple[Coordinates, bool], int] = {}
    for codes in _combinations([cube.dimension(name).codes for name in shared]):
        fits = all(asked.get(n, code) == code for n, code in zip(shared, codes, strict=True))
        numbers[codes, True] = inside_free if fits else 0
        numbers[codes, False] = whole - numbers[codes, True]
    return numbers


def _combinations(lists: Sequence[Sequence[str]]) -> Iterator[Coordinates]:
    if not lists:
        yield ()
        return
    for first in lists[0]:
        for rest in _combinations(lists[1:]):
            yield (first, *rest)


def _constraint(cubes: Sequence[LinkedCube], groups: Sequence[_Group]) -> LinearConstraint:
    """Equal margins over the codes that two cubes share; ≤ where one counts a part."""
    rows: list[Floats] = []
    lower: list[float] = []
    upper: list[float] = []
    for one, other in combinations(range(len(cubes)), 2):
        for row in _differences(cubes, groups, one, other):
            rows.append(row)
            # First cube less second: 0 where both count the same people, one-sided where one counts
            # a part of the other's, open where neither contains the other.
            lower.append(0.0 if cubes[other].within(cubes[one]) else -np.inf)
            upper.append(0.0 if cubes[one].within(cubes[other]) else np.inf)
    return LinearConstraint(csr_array(np.array(rows)), lower, upper)


def _differences(
    cubes: Sequence[LinkedCube], groups: Sequence[_Group], one: int, other: int
) -> Iterator[Floats]:
    """For each combination of shared codes: +1 for cells of one cube, −1 for those of the other."""
    first, second = cubes[one].cube, cubes[other].cube
    names = [each for each in first.names if _agree(first, second, each)]
    signs = {one: 1.0, other: -1.0}
    for codes in _combinations([first.dimension(name).codes for name in names]):
        wanted = dict(zip(names, codes, strict=True))
        row = np.zeros(len(groups))
        for position, group in enumerate(groups):
            if group.cube in signs and all(group.at[n] == code for n, code in wanted.items()):
                row[position] = signs[group.cube]
        yield row
