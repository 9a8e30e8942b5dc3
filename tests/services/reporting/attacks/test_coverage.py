"""The stated intervals contain the true count in about nine of ten cases: not fewer, and not by being wider than
needed."""

import math
from collections.abc import Sequence
from functools import partial

import pytest
from reporting.ground.programmes.catalogue import programme
from reporting.ground.protection.protected import Row
from reporting.protect.releases.views import JointCube, seen, view_of

from tests.services.reporting.attacks.calibration import (
    KINDS,
    TOTALS,
    WORLDS_OF_TOTALS,
    WORLDS_OF_TOTALS_OVER,
    Found,
    Table,
    measured,
    rows,
    sources,
    spans_of,
    together,
    totals,
)
from tests.services.reporting.attacks.year import Year, periods, populations, year
from tests.services.reporting.releases.true_counts import as_joint

pytestmark = pytest.mark.laborious

LEAST, MOST = 0.87, 0.99
MOST_OF_FINE = 0.995
"""Of two-way counts and single cells over several periods: the law is asked for 94 %, because of one period it
is narrower than the truth. What several of them are off by adds up to what the law takes it for, and so it holds
the 94 and more (docs/reporting.md)."""
FEW, SOME, MANY = 60, 300, 1500
AS_A_DRILL = partial(pytest.param, marks=pytest.mark.slow)
SHARE = 0.5
"""Of the worlds; all of them: `python -m tests.services.reporting.attacks.calibration`."""
RECORDS = ("ctdc", "made")
SOURCES = ("screened-or-assisted-persons", "referred-persons", "dependent", *RECORDS)
SPANS = (
    "referred-persons over a month",
    "referred-persons over a sum",
    "screened-or-assisted-persons over a year",
)
LONG = (
    *SPANS,
    "referred-persons over a quarter",
    "referred-persons over a year",
    "screened-or-assisted-persons over a sum",
)
OF_HALVES = "referred-persons over a year"
"""Still of periods of one size: a world takes long, and docs/reporting.md has those that differ."""
TOO_FEW = {(OF_HALVES, FEW)}
"""Each of 24 periods has fewer people than the method asks for: docs/reporting.md says how far it is off."""
ALIKE = "referred-persons over a sum"
"""Of two periods of 60 persons each totals of everybody hold in 62 %; docs/reporting.md says why."""
COUNTS = ("one-way", "two-way", "cell")


def share(worlds: int) -> int:
    return max(4, round(worlds * SHARE))


def assert_calibrated(table: Table, kinds: Sequence[str] = KINDS, *, several: bool = False) -> None:
    """Check the bounds, allowing the standard error of so few worlds. `several` periods are added."""
    for kind in kinds:
        if kind not in table:
            continue
        found = table[kind]
        worlds = len(found.held)
        unsure = max(found.deviation, math.sqrt(LEAST * (1 - LEAST) / worlds))
        if kind in COUNTS:  # A world has many of them.
            unsure = max(found.deviation, math.sqrt(LEAST * (1 - LEAST) / found.figures))
        assert worlds >= 4, kind
        most = MOST_OF_FINE if several and kind in ("two-way", "cell") else MOST
        assert LEAST - unsure <= found.rate <= most + unsure, rows(kind, table)


@pytest.mark.parametrize("source", [SOURCES[0], *map(AS_A_DRILL, SOURCES[1:] + SPANS)])
def test_intervals_hold_nine_of_ten_true_counts(source: str) -> None:
    made, _ = sources()[source]
    assert_calibrated(measured(made, SOME, 8), COUNTS, several=source in SPANS)


@pytest.mark.parametrize("persons", [FEW, AS_A_DRILL(SOME)])
@pytest.mark.parametrize("of", populations())
def test_intervals_of_totals_hold_nine_of_ten(of: str, persons: int) -> None:
    assert_calibrated(totals(populations()[of], persons, 20), TOTALS)


@pytest.mark.slow
@pytest.mark.parametrize("persons", [each for each in WORLDS_OF_TOTALS if each < MANY])
def test_intervals_of_totals_of_each_size_hold_nine_of_ten(persons: int) -> None:
    """All programmes together without an allowance for chance, and each population with it."""
    tables = [
        totals(each, persons, share(WORLDS_OF_TOTALS[persons])) for each in populations().values()
    ]
    for table in tables:
        assert_calibrated(table, TOTALS)
    pooled = together(tables)
    every = Found([world for found in pooled.values() for world in found.held])
    assert LEAST <= every.rate <= MOST, rows(str(persons), pooled)


@pytest.mark.slow
@pytest.mark.parametrize("of", populations())
def test_intervals_of_totals_over_several_periods_hold_nine_of_ten(of: str) -> None:
    """Without referred persons over a year, which take long, and without unmet needs of 60 persons, most of whom are
    hidden: docs/reporting.md has their figures."""
    programmes = populations()[of]
    referred = of == "referred-persons"
    for span, made in spans_of(programmes):
        if referred and span == "over a year":
            continue
        for persons in (FEW, SOME):
            worlds = share(WORLDS_OF_TOTALS_OVER[persons])
            kinds = TOTALS[:1] if referred and persons == FEW else TOTALS
            assert_calibrated(totals(programmes, persons, worlds, made=made), kinds)


@pytest.mark.slow
@pytest.mark.parametrize("source", LONG)
def test_intervals_over_several_periods_hold_nine_of_ten_for_each_size(source: str) -> None:
    made, sizes = sources(varying=source != OF_HALVES)[source]
    for persons, worlds in sizes.items():
        if (source, persons) not in TOO_FEW:
            assert_calibrated(measured(made, persons, share(worlds)), several=True)


@pytest.mark.slow
def test_counts_of_periods_that_are_all_of_one_size_hold_nine_of_ten_but_for_everybody() -> None:
    made, sizes = sources(varying=False)[ALIKE]
    assert_calibrated(measured(made, FEW, share(sizes[FEW])), COUNTS)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_intervals_of_each_size_hold_nine_of_ten_true_counts(source: str) -> None:
    made, sizes = sources()[source]
    for persons, worlds in sizes.items():
        assert_calibrated(measured(made, persons, share(worlds)))


@pytest.mark.parametrize("source", ["referred-persons", "screened-or-assisted-persons over a year"])
def test_a_figure_lies_in_its_own_interval(source: str) -> None:
    made, _ = sources()[source]
    for _, shown in made(FEW, 1):
        for by in ((), *((name,) for name in shown.names), shown.names):
            for row in shown.margin(by):
                assert row.low is not None
                assert row.high is not None
                assert row.low <= row.count <= row.high


@pytest.mark.parametrize("name", ["referrals", "screening"])
def test_everybody_is_surer_than_those_of_one_code(name: str) -> None:
    view = view_of(programme(name))
    of = year(populations()[programme(name).population.id], SOME, 1)
    cube = seen(view, shown(of))
    assert width(cube.figure()) < max(width(row) for row in cube.margin(("area",)))


def test_what_is_published_alone_decides_the_interval() -> None:
    """Other true counts with the same published result have the same intervals."""
    for programmes in populations().values():
        of = year(programmes, SOME, 2)
        first = shown(of)
        # Multiples of k round to themselves, so these true counts are shown alike.
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
