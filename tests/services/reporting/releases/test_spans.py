"""Months, quarters and years are never below 0 and never below a part. All tables share one set of cells."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting.ground.periods import Period, PeriodKind, periods_between
from reporting.ground.programmes.catalogue import programme, shipped
from reporting.ground.protection.protected import Coordinates
from reporting.protect.releases.spans import Layout, Row, flows, span
from reporting.protect.releases.views import layout_of, spanned

from drills.numbers import attacker
from drills.numbers.worlds import World
from tests.services.reporting.releases.true_counts import as_joint

POPULATION = programme("referrals").population
HALVES = ("2026-10a", "2026-10b")


@st.composite
def cells(draw: st.DrawFn) -> Mapping[Coordinates, int]:
    """Return a closed period's cells, with few codes, so that periods share cells."""
    histories = POPULATION.cube_dimensions[-1].codes
    dimensions = [st.sampled_from(d.codes[-3:]) for d in POPULATION.cube_dimensions[:-1]]
    at = st.tuples(*dimensions, st.sampled_from(histories))
    return draw(st.dictionaries(at, st.integers(1, 4).map(lambda n: 11 * n), max_size=12))


@settings(max_examples=60, deadline=None)
@given(st.lists(cells(), min_size=2, max_size=6))
def test_a_span_holds_its_parts_and_as_many_as_its_flows_add_up_to(
    parts: list[Mapping[Coordinates, int]],
) -> None:
    layout = layout_of(as_joint(POPULATION, HALVES[0], {}))
    made, beyond = span(layout, 2, parts, parts)
    assert all(n > 0 and n % 11 == 0 for n in made.values())
    moved = {at: 11 * n for at, n in flows(layout, 2, parts).items()}
    for at in moved.keys() | made.keys():
        assert made.get(at, 0) == moved.get(at, 0) + beyond.get(at, 0)
    assert sum(beyond.values()) >= 0
    counts = rows_of(layout, made)
    for part in parts:
        held = rows_of(layout, {at[:-1]: 0 for at in part} | summed(part))
        assert all(counts[row] >= n for row, n in held.items())


def summed(part: Mapping[Coordinates, int]) -> Counter[Coordinates]:
    found: Counter[Coordinates] = Counter()
    for at, n in part.items():
        found[at[:-1]] += n
    return found


def rows_of(layout: Layout, made: Mapping[Coordinates, int]) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for at, n in made.items():
        for row in layout.rows(at):
            found[row] += n
    return found


def test_the_order_of_cells_and_a_second_time_change_nothing() -> None:
    programmes = [each for each in shipped() if each.population.id == POPULATION.id]
    world = World(programmes, 60, 1)
    month = Period.parse("2026-05")
    parts = [world.joint(each) for each in month.parts(PeriodKind.HALF_MONTH)]
    turned = [
        as_joint(POPULATION, each.period, dict(reversed(list(each.cells.items()))))
        for each in parts
    ]
    assert spanned(parts, parts, month).cells == spanned(turned, turned, month).cells


@pytest.mark.parametrize(
    ("of", "persons", "kind"),
    [
        ("referred-persons", 60, PeriodKind.QUARTER),
        ("referred-persons", 300, PeriodKind.MONTH),
        ("screened-or-assisted-persons", 60, PeriodKind.YEAR),
        ("screened-or-assisted-persons", 300, PeriodKind.YEAR),
        pytest.param("referred-persons", 60, PeriodKind.YEAR, marks=pytest.mark.slow),
        pytest.param("referred-persons", 1500, PeriodKind.YEAR, marks=pytest.mark.slow),
    ],
)
def test_who_has_all_tables_finds_them_agree(of: str, persons: int, kind: PeriodKind) -> None:
    """The test uses worlds of people, some of whom are accompanied for months."""
    programmes = [each for each in shipped() if each.population.id == of]
    world = World(programmes, persons, 7)
    found = attacker.Measures()
    whole = next(iter(world.spans(kind)))
    spans = {each.programme: each for each in world.published(whole, public=False)}
    attacker.parts_of_wholes(spans.values(), found)
    below = (programmes[0].population.period_kind, *programmes[0].population.spans)
    for finer in below[: below.index(kind)]:
        for part in whole.parts(finer):
            for each in world.published(part, public=False):
                attacker.nested(spans[each.programme], each, found)
    for each in spans.values():
        attacker.agreeing(each, found)
    assert not found.failed, "\n".join(found.lines())
    assert found.asked["a span below its part, 2 dimensions"] > 10


@given(st.dates(Period.parse("2025").start, Period.parse("2026").end), st.sampled_from(PeriodKind))
def test_periods_between_leave_none_out(day: date, kind: PeriodKind) -> None:
    first = Period.containing(day, PeriodKind.MONTH)
    last = Period.parse("2027")
    found = periods_between(first, last, kind)
    assert all(one.next == other for one, other in pairwise(found))
    assert found[-1].end == last.end
    assert first.start <= found[0].start
    assert found[0].previous.start < first.start
