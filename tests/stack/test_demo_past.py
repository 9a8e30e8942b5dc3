"""The demo's past: the same for the same days, inside its half month, and never in the future."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from stack.demo.clock_shift import moved
from stack.demo.history import half_months
from stack.demo.past_people import intake_days


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


def test_nobody_is_served_before_being_accepted() -> None:
    for day in intake_days(date(2026, 11, 1), 200):
        for person in day.people:
            hours = [at for at, _ in person.steps]
            assert hours == sorted(hours), person


def test_the_clock_goes_back_and_stands_right_again(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    with moved(file) as clock:
        clock.set(datetime.now(UTC) - timedelta(days=10))
        assert float(file.read_text()) == pytest.approx(-864_000, abs=5)
        clock.set(datetime.now(UTC) + timedelta(days=10))
        assert float(file.read_text()) == 0
    assert file.read_text() == "0"
