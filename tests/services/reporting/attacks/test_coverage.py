"""The stated intervals hold the true count in about nine of ten cases: no less, and not by being
wider than they need."""

import math

import pytest
from reporting.programmes.catalogue import programme
from reporting.protection.protected import Row
from reporting.releases.views import JointCube, seen, view_of

from tests.services.reporting.attacks.calibration import (
    Table,
    measured,
    rows,
    sources,
    together,
)
from tests.services.reporting.attacks.year import Year, periods, populations, year
from tests.services.reporting.releases.true_counts import as_joint

pytestmark = pytest.mark.laborious

LEAST, MOST = 0.88, 0.97
FEW, SOME, MANY = 60, 300, 1500
SOURCES = ("screened-or-assisted-persons", "referred-persons", "dependent", "ctdc", "made")


SPANS = (
    "referred-persons over a month",
    "referred-persons over a sum",
    "screened-or-assisted-persons over a year",
)
LONG = (
    *SPANS,
    "referred-persons over a quarter",
    "screened-or-assisted-persons over a sum",
)
TOO_FEW = {("made", FEW): 0.8}
"""Single cells of 60 of the made records, which are so concentrated that nothing published tells what goes
together: 82 % held (docs/reporting.md)."""


def assert_calibrated(table: Table, kinds: tuple[str, ...], least: float = LEAST) -> None:
    """Within the bounds, or out of them by no more than the standard error of so few figures."""
    for kind in kinds:
        found = table[kind]
        worlds = len(found.held)
        unsure = max(found.deviation, math.sqrt(LEAST * (1 - LEAST) / found.figures))
        assert worlds >= 4, kind
        assert least - unsure <= found.rate <= MOST + unsure, rows("", table)


@pytest.mark.parametrize("source", SOURCES)
def test_intervals_hold_nine_of_ten_true_counts(source: str) -> None:
    made, _ = sources()[source]
    table = together([measured(made, FEW, 14), measured(made, SOME, 8), measured(made, MANY, 4)])
    assert_calibrated(table, ("one-way", "two-way", "cell"))


@pytest.mark.parametrize("source", SPANS)
def test_intervals_over_several_periods_hold_nine_of_ten(source: str) -> None:
    made, _ = sources()[source]
    table = together([measured(made, FEW, 6), measured(made, SOME, 3), measured(made, MANY, 2)])
    assert_calibrated(table, ("one-way", "two-way", "cell"))


@pytest.mark.slow
@pytest.mark.parametrize("source", LONG)
def test_intervals_over_several_periods_hold_nine_of_ten_for_all_sizes(source: str) -> None:
    made, sizes = sources()[source]
    tables = [measured(made, persons, worlds) for persons, worlds in sizes.items()]
    assert_calibrated(together(tables), ("one-way", "two-way", "cell"))


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_intervals_of_each_size_hold_nine_of_ten_true_counts(source: str) -> None:
    made, sizes = sources()[source]
    tables = {persons: measured(made, persons, worlds) for persons, worlds in sizes.items()}
    for persons, table in tables.items():
        assert_calibrated(table, ("one-way",))
        assert_calibrated(table, ("cell",), TOO_FEW.get((source, persons), LEAST))
    pooled = together(tables.values())
    assert_calibrated(pooled, ("total", "loose") if "loose" in pooled else ("total",))


@pytest.mark.parametrize("name", ["referrals", "screening"])
def test_everybody_is_surer_than_those_of_one_code(name: str) -> None:
    view = view_of(programme(name))
    of = year(populations()[programme(name).population.id], SOME, 1)
    cube = seen(view, shown(of))
    assert width(cube.figure()) < max(width(row) for row in cube.margin(("area",)))


def test_what_is_published_alone_decides_the_interval() -> None:
    """Other true counts of which the same is published have the same intervals."""
    for programmes in populations().values():
        of = year(programmes, SOME, 2)
        first = shown(of)
        # Multiples of k round to themselves: these true counts are shown alike.
        other = as_joint(of.population, first.period, dict(reversed(list(first.cells.items()))))
        assert other.cells == first.cells
        for each in programmes:
            one, same = (seen(view_of(each), joint) for joint in (first, other))
            for by in ((), *((name,) for name in one.names), one.names):
                assert one.margin(by) == same.margin(by)


def test_where_next_to_nothing_is_shown_there_are_intervals() -> None:
    for programmes in populations().values():
        of = year(programmes, SOME, 1)
        some = next(iter(shown(of).cells))
        for cells in ({}, {some: 11}):
            joint = as_joint(of.population, shown(of).period, cells)
            for each in programmes:
                row = seen(view_of(each), joint).figure()
                assert width(row) >= 10
                assert (row.low == 0) == (row.count == 0)


def shown(of: Year) -> JointCube:
    joint: JointCube = of.joint(periods(of.population)[0])
    return joint


def width(row: Row) -> int:
    assert row.low is not None
    assert row.high is not None
    return row.high - row.low
