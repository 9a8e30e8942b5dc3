"""Intervals: how often they contain the true count, and what determines them. `drills/numbers` measures every class."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from reporting.ground.programmes.catalogue import programme
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.intervals import Noise
from reporting.ground.protection.protected import Coordinates, Dimension, ProtectedCube, Row
from reporting.protect.releases.views import JointCube, seen, view_of

from tests.services.reporting.attacks.dependent import (
    SEARCHES,
    dependent,
    of_a_search,
    of_records,
)
from tests.services.reporting.attacks.year import YEAR, Year, periods, populations, year
from tests.services.reporting.releases.true_counts import as_joint

FEW, SOME = 60, 300
LEAST, MOST = 0.87, 0.99


@pytest.mark.parametrize("source", ["made", "dependent"])
def test_intervals_contain_nine_of_ten_true_counts(source: str) -> None:
    """The test uses figures by one and two dimensions. The interval of a single nonzero cell includes the figure
    itself, so nearly all contain the true count."""
    held = []
    for number in range(30_000, 30_008):
        worlds = (
            dependent(populations()["referred-persons"], SOME, number)
            if source == "dependent"
            else of_records(source, SOME, number)
        )
        for true, shown in worlds:
            for by in (each for n in (1, 2) for each in combinations(shown.names, n)):
                counts = {tuple(r.coordinates.values()): r.count for r in true.margin(by)}
                for row in shown.margin(by):
                    n = counts.get(tuple(row.coordinates.values()), 0)
                    assert row.low is not None
                    assert row.high is not None
                    held.append(row.low <= n <= row.high)
    assert len(held) > 500
    assert LEAST <= sum(held) / len(held) <= MOST


def test_totals_of_few_dimensions_hold_what_their_intervals_say() -> None:
    """Few tilted margins do not keep the total near the truth, so their profile gives it more weight."""
    held = []
    for number in range(30_000, 30_040):
        ((true, shown),) = dependent(SEARCHES, FEW, number, of_a_search)
        row = shown.figure()
        assert row.low is not None
        assert row.high is not None
        held.append(row.low <= true.total() <= row.high)
    assert sum(held) >= 35


@pytest.mark.parametrize("programmes", populations().values(), ids=populations())
def test_a_figure_lies_in_its_own_interval(programmes: Sequence[Programme]) -> None:
    of = year(programmes, FEW, 1)
    for shown in (
        seen(view_of(each), joint) for each in programmes for joint in (first(of), of.span(YEAR))
    ):
        for by in ((), *((name,) for name in shown.names), shown.names):
            for row in shown.margin(by):
                assert row.low is not None
                assert row.high is not None
                assert row.low <= row.count <= row.high


def test_an_interval_of_a_span_does_without_what_the_span_shows_beyond_its_flows() -> None:
    """A span shows more persons than its flows if one of its parts needs them. The interval states the smallest
    possible number."""
    sides = (Dimension("area", ("a", "b")),)
    cells: dict[Coordinates, int] = {("a",): 330, ("b",): 110}
    beyond: dict[Coordinates, int] = {("a",): 110}
    cube = ProtectedCube("p", "2026-Q1", 11, "J", sides, cells, beyond=beyond, noise=Noise(11, 6))
    for row, flows in zip((cube.figure(), *cube.margin(("area",))), (330, 220, 110), strict=True):
        assert row.low is not None
        assert row.high is not None
        assert row.low < flows <= row.count <= row.high
        assert flows - row.low < 110


@pytest.mark.parametrize("name", ["referrals", "screening"])
def test_everybody_is_surer_than_those_of_one_code(name: str) -> None:
    view = view_of(programme(name))
    of = year(populations()[programme(name).population.id], SOME, 1)
    cube = seen(view, first(of))
    assert width(cube.figure()) < max(width(row) for row in cube.margin(("area",)))


def test_what_is_published_alone_decides_the_interval() -> None:
    """Different true counts with the same published result have the same intervals."""
    for programmes in populations().values():
        of = year(programmes, SOME, 2)
        closed = first(of)
        # Multiples of k round to themselves, so these true counts give the same published numbers.
        other = as_joint(of.population, closed.period, dict(reversed(list(closed.cells.items()))))
        assert other.cells == closed.cells
        for each in programmes:
            one, same = (seen(view_of(each), joint) for joint in (closed, other))
            for by in ((), *((name,) for name in one.names), one.names):
                assert one.margin(by) == same.margin(by)


def test_where_next_to_nothing_is_shown_there_are_intervals() -> None:
    for programmes in populations().values():
        of = year(programmes, SOME, 1)
        some = next(iter(first(of).cells))
        for cells in ({}, {some: 11}):
            joint = as_joint(of.population, first(of).period, cells)
            for each in programmes:
                row = seen(view_of(each), joint).figure()
                assert width(row) >= 10
                assert (row.low == 0) == (row.count == 0)


def first(of: Year) -> JointCube:
    joint: JointCube = of.joint(periods(of.population)[0])
    return joint


def width(row: Row) -> int:
    assert row.low is not None
    assert row.high is not None
    return row.high - row.low
