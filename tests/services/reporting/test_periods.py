"""Half months form months, months form quarters, and no periods overlap."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting.ground.periods import NoPeriodError, Period, PeriodKind

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@given(days, st.sampled_from(PeriodKind))
def test_every_day_lies_in_exactly_one_period_of_each_kind(day: date, kind: PeriodKind) -> None:
    period = Period.containing(day, kind)
    assert period.start <= day <= period.end
    assert Period.parse(period.id) == period
    assert period.next.start == period.end + timedelta(days=1)
    assert period.next.previous == period


@given(days)
def test_a_month_is_its_two_halves_and_a_quarter_its_three_months(day: date) -> None:
    month = Period.containing(day, PeriodKind.MONTH)
    halves = month.parts(PeriodKind.HALF_MONTH)
    assert [half.id for half in halves] == [f"{month.id}a", f"{month.id}b"]
    assert (halves[0].start, halves[1].end) == (month.start, month.end)
    quarter = Period.containing(day, PeriodKind.QUARTER)
    assert len(quarter.parts(PeriodKind.MONTH)) == 3
    with pytest.raises(ValueError, match="not made of whole"):
        month.parts(PeriodKind.QUARTER)


@pytest.mark.parametrize(
    "text",
    [
        *("", "226", "2026-13", "2026-11c", "2026-Q5", "0000-01", "26-11a"),
        *(
            "9999",
            "9999-12",
            "0001-01a",
            "1999-12b",
            "٢٠٢٦-11",
        ),  # These are not periods; the last uses digits of another script.
    ],
)
def test_what_names_no_period_is_refused(text: str) -> None:
    with pytest.raises(NoPeriodError):
        Period.parse(text)


def test_a_period_has_ended_on_the_day_after_its_last() -> None:
    period = Period.parse("2026-11a")
    assert not period.ended(date(2026, 11, 15))
    assert period.ended(date(2026, 11, 16))


@pytest.mark.parametrize(
    ("period", "spanish", "english"),
    [
        ("2026-11a", "1–15 de noviembre de 2026", "1–15 November 2026"),
        ("2026-02b", "16–28 de febrero de 2026", "16–28 February 2026"),
        ("2026-11", "noviembre de 2026", "November 2026"),
        ("2026-Q4", "4.º trimestre de 2026", "Q4 2026"),
    ],
)
def test_labels_in_both_languages(period: str, spanish: str, english: str) -> None:
    assert Period.parse(period).label("es") == spanish
    assert Period.parse(period).label("en") == english
