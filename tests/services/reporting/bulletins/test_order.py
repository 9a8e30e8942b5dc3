"""A bulletin with real intervals: no value ranks above a value that it may equal, or is shaded darker."""

from itertools import combinations
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from common.words.places import Places
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import shipped
from reporting.ground.protection.comparisons import Bounds, larger
from reporting.protect.releases.views import seen, view_of
from reporting.publish.bulletins.composing.compose import compose
from reporting.publish.bulletins.composing.evidence import Evidence
from reporting.publish.bulletins.document.content import Chart, Content, Label
from reporting.publish.bulletins.document.figures import Figure
from reporting.publish.bulletins.document.runs import all_charts, plain, sentence_runs
from reporting.publish.bulletins.rendering.chart_drawings import spec

from tests.services.reporting.attacks.year import periods, populations, year

PERSONS = 300


@pytest.fixture(scope="module")
def content() -> Content:
    """Return a half month in which only some states can be distinguished."""
    programmes = populations()["referred-persons"]
    of = year(programmes, PERSONS, 1)
    period = periods(of.population)[0]
    released: dict[UUID, Any] = {}
    for number, each in enumerate(programmes):
        view, joint = view_of(each), of.joint(period)
        released[UUID(int=number)] = SimpleNamespace(
            id=UUID(int=number),
            programme=each.id,
            period=period.id,
            cube=seen(view, joint),
            seen=(view, joint),
        )
    evidence = Evidence(released, (), {}, {}, Places.load())
    return compose(Period.parse(period.id), evidence, shipped())


def chart(content: Content, name: str) -> Chart:
    return next(each for each in all_charts(content) if each.table.id == name)


def shown(chart: Chart) -> list[Bounds]:
    """Return the intervals of a chart's rows, without the last row, which is the unknown one."""
    return [
        cell.between
        for row in chart.table.rows
        if isinstance(cell := row[-1], Figure) and isinstance(row[0], Label)
        if not row[0].text["en"].startswith("Unknown")
    ]


@pytest.mark.parametrize("name", ["referrals-states", "needs-map"])
def test_larger_ones_come_first_and_others_in_the_order_of_their_list(
    content: Content, name: str
) -> None:
    found = shown(chart(content, name))
    pairs = list(combinations(found, 2))
    assert not any(larger(later, first) for first, later in pairs)
    assert any(larger(first, later) for first, later in pairs), "nothing can be told apart"
    assert any(first[0] < later[0] for first, later in pairs), "it is the order of lower ends"


def test_shades_of_the_map_differ_only_where_intervals_do(content: Content) -> None:
    drawn = chart(content, "needs-map")
    made = spec(drawn, "es")
    shades = [each["shade"] for each in made["data"]["values"]]
    values = [cell for row in drawn.table.rows if isinstance(cell := row[-1], Figure)]
    assert [shade > 0 for shade in shades] == [bool(each.value) for each in values]
    both = list(zip(values, shades, strict=True))
    for one, own in both:
        for other, its in both:
            assert not own > its > 0 or larger(one.between, other.between)
    counted = [(each.value or 0, shade) for each, shade in both if shade]
    assert any(a > b and own == its for a, own in counted for b, its in counted), (
        "every figure has a shade of its own"
    )


def test_the_words_of_a_chart_name_the_largest_only_where_it_is(content: Content) -> None:
    for each in all_charts(content):
        if each.form in {"bars", "map"}:
            found = [cell.between for row in each.table.rows if isinstance(cell := row[-1], Figure)]
            largest = max(found)
            leads = sum(not larger(largest, other) for other in found) == 1
            said = plain(sentence_runs(each.alt, "en"))
            assert ("not possible to tell" in said) != leads, said
