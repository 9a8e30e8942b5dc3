"""The demo's past: the same for the same days, inside its half month, and never in the future."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from stack.demo.clock import moved
from stack.demo.history import half_months
from stack.demo.past_people import grown, intake_days
from stack.demo.past_searches import profiles
from stack.demo.screened_people import quarter_before, quarter_id, screening_days


def test_half_months_are_named_as_reporting_names_them() -> None:
    assert half_months("2026-03a", 4) == [
        ("2026-01b", date(2026, 1, 16)),
        ("2026-02a", date(2026, 2, 1)),
        ("2026-02b", date(2026, 2, 16)),
        ("2026-03a", date(2026, 3, 1)),
    ]


def test_the_same_half_month_has_the_same_people() -> None:
    once, again = (list(intake_days(date(2026, 11, 1), 50)) for _ in range(2))
    assert once == again
    assert sum(len(day.people) for day in once) == 50
    assert all(date(2026, 11, 1) <= day.moment.date() <= date(2026, 11, 15) for day in once)


@pytest.mark.parametrize("number", [1, 2, 6, 24])
def test_the_network_grows_around_the_asked_number(number: int) -> None:
    people = grown(60, number)
    assert len(people) == number
    assert abs(sum(people) - 60 * number) <= number
    assert people[-6:] == sorted(people[-6:])


def test_nobody_is_served_before_being_accepted() -> None:
    for day in intake_days(date(2026, 11, 1), 200):
        for person in day.people:
            hours = [at for at, _ in person.steps]
            assert hours == sorted(set(hours)), person


@pytest.mark.parametrize(
    ("today", "quarter"),
    [
        (date(2026, 11, 25), "2026-Q3"),
        (date(2026, 1, 1), "2025-Q4"),
        (date(2026, 3, 31), "2025-Q4"),
        (date(2026, 7, 1), "2026-Q2"),
    ],
)
def test_people_are_screened_in_the_quarter_that_ended_last(today: date, quarter: str) -> None:
    first = quarter_before(today)
    assert quarter_id(first) == quarter
    days = list(screening_days(first, 100))
    assert sum(len(day.people) for day in days) == 100
    assert {day.moment.month - first.month for day in days} == {0, 1, 2}
    assert all(day.moment.date() < today for day in days)
    assert days == list(screening_days(first, 100))


def test_searches_without_a_service_name_nobody() -> None:
    asked = list(profiles(date(2026, 11, 1), 50))
    assert asked == list(profiles(date(2026, 11, 1), 50))
    assert {name for each in asked for name in each} == {"area", "age", "sex", "needs"}


def test_the_clock_goes_back_and_stands_right_again(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    with moved(file) as clock:
        clock.set(datetime.now(UTC) - timedelta(days=10))
        assert float(file.read_text()) == pytest.approx(-864_000, abs=5)
        clock.set(datetime.now(UTC) + timedelta(days=10))
        assert float(file.read_text()) == 0
    assert file.read_text() == "0"
