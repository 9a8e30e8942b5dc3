"""The bulletin's content besides its counts: changes, partners and explained words."""

from dataclasses import replace

import pytest
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import shipped
from reporting.ground.protection.comparisons import larger
from reporting.publish.bulletins.composing.compose import compose
from reporting.publish.bulletins.document.content import Content, Label
from reporting.publish.bulletins.document.figures import Figure, ReleaseSource
from reporting.publish.bulletins.document.runs import all_tables

from tests.services.reporting.bulletins.story import activities, bulletin, evidence


@pytest.fixture(scope="module")
def content() -> Content:
    return bulletin()


def test_key_figures_say_their_change_and_the_periods_that_are_missing(content: Content) -> None:
    table = next(each for each in all_tables(content) if each.id == "key-change")
    assert [each.text["en"] for each in table.columns][1:] == [
        "This period",
        "Last period",
        "Change",
        "Since the start of the year",
    ]
    for row in table.rows:
        now, last, change, since = row[1:]
        assert isinstance(now, Figure)
        assert isinstance(last, Figure)
        assert isinstance(change, Label)
        rose, fell = larger(now.between, last.between), larger(last.between, now.between)
        said = "Rose" if rose else "Fell" if fell else "Nobody can tell"
        assert change.text["en"] == said
        # The series begins in June.
        assert isinstance(since, Label)
        assert since.text["en"] == "Periods are missing"


def test_since_january_is_a_sum_of_all_half_months() -> None:
    periods = [f"2026-{month:02}{half}" for month in range(1, 12) for half in "ab"][:21]
    found = compose(Period.parse("2026-11a"), evidence(periods), shipped())
    table = next(each for each in all_tables(found) if each.id == "key-change")
    since = table.rows[0][-1]
    assert isinstance(since, Figure)
    assert isinstance(since.source, ReleaseSource)
    assert len(since.source.releases) == len(periods)


def test_presence_names_partners_but_not_where_people_are_served(content: Content) -> None:
    table = next(each for each in all_tables(content) if each.id == "presence")
    told = {row[0].text["es"]: row[1].text["es"] for row in table.rows}  # type: ignore[union-attr]
    assert "Fundación A" in told["Zulia"]
    served = replace(
        activities(("2026-11a",))[0],
        activity_code="TIP/SVC",
        type="protection_service",
        org_implementer="Casa de nadie",
    )
    more = replace(evidence(), activities=[*evidence().activities, served])
    whole = compose(Period.parse("2026-11a"), more, shipped())
    assert "Casa de nadie" not in whole.model_dump_json()
