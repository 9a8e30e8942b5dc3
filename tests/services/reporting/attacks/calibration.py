"""Measures how often the stated intervals contain the true count, and how wide they are: one row per kind of figure
and population size.

`python -m tests.services.reporting.attacks.calibration`, `… --totals`; docs/reporting.md has the results. It measures
held-out worlds: constants are chosen on others (`--first 0`).
"""

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

import numpy as np
from reporting.ground.periods import PeriodKind
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import Coordinates, Dimension, ProtectedCube
from reporting.ground.protection.rounding import PROFILES, protect, seed
from reporting.protect.releases.joint import tilt
from reporting.protect.releases.views import JointCube, View, over, seen, view_of

from tests.services.reporting.attacks.year import LIKELY, YEAR, periods, populations, year
from tests.services.reporting.releases.populations import SOURCES, persons_of
from tests.services.reporting.releases.true_counts import as_joint

WORLDS = {60: 60, 120: 40, 300: 30, 600: 20, 1500: 14}
WORLDS_OF_RECORDS = {60: 60, 300: 30, 1500: 14, 4919: 8}
WORLDS_OF_SPANS = {60: 24, 300: 16, 1500: 6}
WORLDS_OF_YEARS = {60: 16, 300: 16, 1500: 4}
WORLDS_OF_YEARS_OF_HALVES = {60: 8, 300: 8, 1500: 4}
WORLDS_OF_TOTALS = dict.fromkeys((60, 120, 300, 600, 1500), 120)
WORLDS_OF_TOTALS_OVER = {60: 40, 300: 40, 1500: 24}
HELD_OUT = 30_000
"""Worlds from this number on were not looked at when the constants of intervals were chosen."""
LOOSE = ({"type"}, {"transit"})
"""Dimensions that rounding does not keep: their one-way counts are a class of their own."""
KINDS = ("total", "one-way", "loose", "two-way", "cell")
TOTALS = ("everybody", "a part")


@dataclass
class Found:
    """For one kind of figure and each world: the number of figures, how many intervals held, and their widths."""

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
        """Return the deviation of the rate over worlds, since figures of one world err together."""
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
    """Add all figures of one world by kind."""
    held: dict[str, list[bool]] = defaultdict(list)
    for counted, shown in world:
        real = replace(counted, noise=None, parts=())  # True counts have no interval.
        names = real.names
        pairs = combinations(names, 2)
        for by in {(), *((name,) for name in names), *pairs, names}:
            true = {tuple(r.coordinates.values()): r.count for r in real.margin(by)}
            for row in shown.margin(by):
                if row.count <= 0 or row.low is None or row.high is None:
                    continue  # A 0 is printed as at least 0 to 10, which holds by the rule.
                n = true.get(tuple(row.coordinates.values()), 0)
                held[kind(by, names)].append(row.low <= n <= row.high)
                table.setdefault(kind(by, names), Found()).widths.append(row.high - row.low)
    for name, each in held.items():
        table[name].held.append(each)


def add_totals(table: Table, programmes: Sequence[Programme], world: World) -> None:
    """Add the totals of one world: of the whole population, and of the parts that some programmes count."""
    held: dict[str, list[bool]] = defaultdict(list)
    for programme, (counted, shown) in zip(programmes, world, strict=True):
        row, n = shown.figure(), counted.total()
        if row.count > 0 and row.low is not None and row.high is not None:
            name = "a part" if programme.where else "everybody"
            held[name].append(row.low <= n <= row.high)
            table.setdefault(name, Found()).widths.append(row.high - row.low)
    for name, each in held.items():
        table[name].held.append(each)


def rounded(programmes: Sequence[Programme], persons: int, number: int) -> World:
    """Return a year's periods of people who come, return and progress."""
    # Sizes differ, so that totals fall anywhere between multiples of k.
    of = year(programmes, persons + random.Random(number).randint(-5, 5), number)  # noqa: S311
    population = of.population
    period = periods(population)[number % len(periods(population))]
    true = as_joint(population, period.id, of.true[period])
    for each in programmes:
        view = view_of(each)
        yield seen(view, true), seen(view, of.joint(period))


SELDOM = (
    *("GBV-PSS", "GBV-CMR", "GBV-SHELTER", "GBV-LIV", "CP-CM", "CP-MHPSS", "CP-FTR", "CP-CFS"),
    *("TIP-SAFE", "TIP-ASSIST", "GP-INFO", "GP-DOC", "HLT-MH", "SHL"),
)
IN_USE = {
    **LIKELY,
    "unmet": {"none": 60, "GBV-CM": 14, "GBV-LEGAL": 12, **dict.fromkeys(SELDOM, 1)},
}
"""Of a list of 44 needs more are in use than two, most of them by a few persons. An interval allows for
persons in codes that show nothing; where there are none, what it says of all of them is too high."""


def over_spans(
    span: PeriodKind | None,
    programmes: Sequence[Programme],
    persons: int,
    number: int,
    *,
    varying: bool = True,
) -> World:
    """Return the persons of a year's month, quarter or year, each once; without `span`, the person-periods of two
    neighbouring periods that form no span. `varying`: see `facts`; periods of one size are rounded alike, and their
    errors add up, unlike those of a real operation."""
    if not varying:
        persons += random.Random(number).randint(-5, 5)  # noqa: S311
    likely = IN_USE if varying else LIKELY
    of = year(programmes, persons, number, varying=varying, likely=likely)
    population = of.population
    if span is None:
        at = 1 + 2 * (number % (len(periods(population)) // 2 - 1))
        whole, parts = None, periods(population)[at : at + 2]
    else:
        spans = list(YEAR.parts(span)) if span is not PeriodKind.YEAR else [YEAR]
        whole = spans[number % len(spans)]
        parts = whole.parts(population.period_kind)
    if whole is not None:
        true, shown = of.true_over(whole), of.span(whole)
        for each in programmes:
            yield seen(view_of(each), true), seen(view_of(each), shown)
        return
    true = [as_joint(population, each.id, of.true[each]) for each in parts]
    shown = [of.joint(each) for each in parts]
    for each in programmes:
        view = view_of(each)
        yield (
            over([(view, joint) for joint in true], whole, "span"),
            over([(view, joint) for joint in shown], whole, "span"),
        )


AREAS = {"VE23": 40, "VE20": 28, "VE07": 18, "VE01": 14, "VE10": 6, "VE08": 5, "VE14": 3, "VE06": 1}
NEEDS = {"GBV-CM": 22, "GBV-CMR": 14, "GBV-PSS": 14, "GBV-LEGAL": 12, "CP-CFS": 10, "GP-DOC": 10}


def of_a_kind(chance: random.Random) -> Coordinates:
    """Return a person whose sex, age and need are correlated."""

    def one(odds: Mapping[str, int]) -> str:
        return chance.choices(list(odds), list(odds.values()))[0]

    aor = one({"GBV": 50, "CP": 25, "TIP": 10, "GP": 15})
    sex = one(
        {"female": 88, "male": 10, "unknown": 2} if aor == "GBV" else {"female": 6, "male": 4}
    )
    ages = (
        {"0-11": 3, "12-17": 4, "18-59": 2} if aor == "CP" else {"12-17": 2, "18-59": 8, "60+": 1}
    )
    progress = one({"undelivered": 25, "waiting": 20, "accepted": 20, "delivered": 35})
    unmet = one(NEEDS) if progress == "undelivered" else "none"
    history = one({"-|-|-": 70, "-|-|waiting": 5, "waiting|waiting|waiting": 25})
    return (one(AREAS), sex, one(ages), aor, progress, unmet, history)


def dependent(programmes: Sequence[Programme], persons: int, number: int) -> World:
    """Return persons whose attributes depend on each other."""
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    population = programmes[0].population
    counts = Counter(of_a_kind(chance) for _ in range(persons + chance.randint(-5, 5)))
    fresh = seed(number.to_bytes(32, "big"), population.id, "p", b"")
    cells = protect(counts, k=11, weights=population.weights, seed=fresh, tilt=tilt(population))
    true, shown = (as_joint(population, "2026-10a", each) for each in (counts, cells))
    for each in programmes:
        yield seen(view_of(each), true), seen(view_of(each), shown)


def of_records(source: str, persons: int, number: int) -> World:
    """Return persons drawn from real records (CTDC, four dimensions) or similar invented ones."""
    records = persons_of(source)
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    persons = min(persons + chance.randint(-5, 5), sum(records.values()))
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
        (), None, None, (), (), cells,
    )  # fmt: skip


def sources(
    *, varying: bool = True
) -> dict[str, tuple[Callable[[int, int], World], Mapping[int, int]]]:
    """Return the sources of worlds by persons and number, and their counts by size."""
    found: dict[str, tuple[Callable[[int, int], World], Mapping[int, int]]] = {
        name: (partial(rounded, programmes), WORLDS) for name, programmes in populations().items()
    }
    for name, programmes in populations().items():
        for span in (*programmes[0].population.spans, None):
            halves = programmes[0].population.period_kind is PeriodKind.HALF_MONTH
            worlds = WORLDS_OF_YEARS_OF_HALVES if halves else WORLDS_OF_YEARS
            worlds = worlds if span is PeriodKind.YEAR else WORLDS_OF_SPANS
            made = partial(over_spans, span, programmes, varying=varying)
            found[f"{name} over a {span or 'sum'}"] = (made, worlds)
    found["dependent"] = (partial(dependent, populations()["referred-persons"]), WORLDS)
    return found | {each: (partial(of_records, each), WORLDS_OF_RECORDS) for each in SOURCES}


def measured(
    made: Callable[[int, int], World], persons: int, worlds: int, first: int = HELD_OUT
) -> Table:
    table: Table = {}
    for number in range(first, first + worlds):
        add(table, made(persons, number))
    return table


def totals(
    programmes: Sequence[Programme],
    persons: int,
    worlds: int,
    first: int = HELD_OUT,
    made: Callable[[Sequence[Programme], int, int], World] = rounded,
) -> Table:
    table: Table = {}
    for number in range(first, first + worlds):
        add_totals(table, programmes, made(programmes, persons, number))
    return table


def spans_of(
    programmes: Sequence[Programme], *, varying: bool = True
) -> Iterator[tuple[str, Callable[[Sequence[Programme], int, int], World]]]:
    """Return the parts of each sum over periods, by name."""
    for span in (*programmes[0].population.spans, None):
        yield f"over a {span or 'sum'}", partial(over_spans, span, varying=varying)


def together(tables: Iterable[Table]) -> Table:
    pooled: Table = {}
    for table in tables:
        for name, found in table.items():
            pooled.setdefault(name, Found()).held.extend(found.held)
            pooled[name].widths.extend(found.widths)
    return pooled


def rows(name: str, table: Table) -> str:
    kinds = [each for each in (*KINDS, *TOTALS) if each in table]
    return "".join(f"{name:36} {each:9} {table[each].row}\n" for each in kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the worlds")
    parser.add_argument("--first", type=int, default=HELD_OUT, help="the number of the first world")
    parser.add_argument("--totals", action="store_true", help="many worlds, of each the totals")
    parser.add_argument(
        "--alike", action="store_true", help="spans whose periods are all of one size"
    )
    parser.add_argument("--only", default="", help="sources whose name has this in it")
    asked = parser.parse_args()
    tables = []
    if asked.totals:
        for name, programmes in populations().items():
            for persons, worlds in WORLDS_OF_TOTALS.items():
                count = max(2, round(worlds * asked.share))
                tables.append(totals(programmes, persons, count, asked.first))
                tell(f"{name} {persons}", tables[-1])
        tell("all", together(tables))
        for name, programmes in populations().items():
            for span, made in spans_of(programmes, varying=not asked.alike):
                for persons, worlds in WORLDS_OF_TOTALS_OVER.items():
                    count = max(2, round(worlds * asked.share))
                    table = totals(programmes, persons, count, asked.first, made)
                    tell(f"{name} {span} {persons}", table)
        return
    for name, (world, sizes) in sources(varying=not asked.alike).items():
        for persons, worlds in sizes.items():
            if asked.only in name:
                count = max(2, round(worlds * asked.share))
                tables.append(measured(world, persons, count, asked.first))
                tell(f"{name} {persons}", tables[-1])
    tell("all", together(tables))


def tell(name: str, table: Table) -> None:
    sys.stdout.write(rows(name, table))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
