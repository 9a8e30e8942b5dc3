"""How often the stated intervals hold the true count, and how wide they are: a row for each kind of figure
and size of a population.

`python -m tests.services.reporting.attacks.calibration --figures 3000`; docs/reporting.md has what it said.
"""

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, count

import numpy as np
from reporting.programmes.definition import Programme
from reporting.protection.protected import Coordinates, Dimension, ProtectedCube
from reporting.protection.rounding import PROFILES, protect, seed
from reporting.releases.joint import tilt
from reporting.releases.views import JointCube, View, over, seen, view_of

from tests.services.reporting.attacks.year import Year, periods, populations, year
from tests.services.reporting.releases.populations import persons_of_ctdc
from tests.services.reporting.releases.true_counts import as_joint

SIZES = (60, 120, 300, 600, 1500)
LOOSE = ({"type"}, {"transit"})
"""Dimensions that rounding does not keep: their one-way counts are a class of their own."""
KINDS = ("total", "one-way", "loose", "two-way", "cell")


@dataclass
class Found:
    """Of one kind of figure: for each world, how many there were, how many held, and their widths."""

    held: list[list[bool]] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)

    @property
    def figures(self) -> int:
        return sum(map(len, self.held))

    @property
    def rate(self) -> float:
        return sum(map(sum, self.held)) / max(self.figures, 1)

    @property
    def deviation(self) -> float:
        """Of the rate: figures of one world go wrong together, so worlds are what is counted."""
        apart = [sum(each) - self.rate * len(each) for each in self.held]
        return float(np.sqrt(sum(x * x for x in apart)) / max(self.figures, 1))

    @property
    def row(self) -> str:
        return f"{self.rate:6.1%} ± {self.deviation:5.1%}  width {np.mean(self.widths):6.1f}  n {self.figures}"


World = Iterator[tuple[ProtectedCube, ProtectedCube]]
"""Views of one rounding: what is true beside what is shown."""
Table = dict[str, Found]


def kind(by: Sequence[str], names: Sequence[str]) -> str:
    if not by:
        return "total"
    if len(by) == len(names) and len(by) > 1:
        return "cell"
    if len(by) == 1:
        return "loose" if set(by) in LOOSE else "one-way"
    return "two-way"


def add(table: Table, world: World) -> None:
    """All figures of one world by their kinds."""
    held: dict[str, list[bool]] = defaultdict(list)
    for real, shown in world:
        names = real.names
        pairs = combinations(names, 2)
        for by in {(), *((name,) for name in names), *pairs, names}:
            true = {tuple(r.coordinates.values()): r.count for r in real.margin(by)}
            for row in shown.margin(by):
                if row.count <= 0 or row.low is None or row.high is None:
                    continue  # a 0 is printed as 0 to 10 at least: that holds by rule
                n = true.get(tuple(row.coordinates.values()), 0)
                held[kind(by, names)].append(row.low <= n <= row.high)
                table.setdefault(kind(by, names), Found()).widths.append(row.high - row.low)
    for name, each in held.items():
        table[name].held.append(each)


def rounded(programmes: Sequence[Programme], persons: int, number: int) -> World:
    """A period of a year of people who come, come again and get further."""
    of = year(programmes, persons, number)
    population = of.population
    period = periods(population)[number % len(periods(population))]
    true = as_joint(population, period.id, of.true[period])
    for each in programmes:
        view = view_of(each)
        yield seen(view, true), seen(view, of.joint(period))


def summed(programmes: Sequence[Programme], persons: int, number: int) -> World:
    """The shortest longer span of the year: a flow of several periods' cells."""
    of = year(programmes, persons, number)
    population = of.population
    span = next(of.spans())
    parts = span.parts(population.period_kind)
    for each in programmes:
        view = view_of(each)
        true = [(view, as_joint(population, p.id, of.true[p])) for p in parts]
        shown = [(view, of.joint(p)) for p in parts]
        yield over(true, span, span.id), over(shown, span, span.id)


def of_records(records: Mapping[Coordinates, int], persons: int, number: int) -> World:
    """Persons drawn from real records (CTDC, four dimensions)."""
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    everybody = [at for at, n in sorted(records.items()) for _ in range(n)]
    dimensions = tuple(
        Dimension(str(p), tuple(sorted({at[p] for at in records}))) for p in range(4)
    )
    view = View("ctdc", dimensions, {d.name: d.name for d in dimensions}, {}, {})
    counts = Counter(chance.sample(everybody, persons))
    fresh = seed(number.to_bytes(32, "big"), "ctdc", "p", b"")
    cells = protect(counts, k=11, weights=PROFILES["J"], seed=fresh)
    yield seen(view, as_cube(dimensions, counts)), seen(view, as_cube(dimensions, cells))


def as_cube(dimensions: tuple[Dimension, ...], cells: Mapping[Coordinates, int]) -> JointCube:
    measure = populations()["referred-persons"][0].population.measure
    names = tuple(each.name for each in dimensions)
    return JointCube(
        "ctdc", "2020", 11, "J", PROFILES["J"], measure, dimensions, names,
        (), None, None, cells,
    )  # fmt: skip
