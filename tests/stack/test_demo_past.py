"""The demo's history is the same for the same days, stays within its half month, and is never in the future."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from stack.demo.history import half_months, moved, quarter_before, quarter_id
from stack.demo.past import TOLD, Service, grown, intake_days, profiles, screening_days

CLIENTS = ("ngo-refugio", "ngo-salud", "ngo-legal")
SERVICES = [Service(each, each, tuple(TOLD["needs"]), "VE23") for each in CLIENTS]


def test_half_months_are_named_as_reporting_names_them() -> None:
    assert half_months("2026-03a", 4) == [
        ("2026-01b", date(2026, 1, 16)),
        ("2026-02a", date(2026, 2, 1)),
        ("2026-02b", date(2026, 2, 16)),
        ("2026-03a", date(2026, 3, 1)),
    ]


def test_the_same_half_month_has_the_same_people() -> None:
    once, again = (list(intake_days(date(2026, 11, 1), 50, SERVICES)) for _ in range(2))
    assert once == again
    assert sum(act.path == "cases" for _, acts in once for act in acts) == 50
    assert all(date(2026, 11, 1) <= moment.date() <= date(2026, 11, 15) for moment, _ in once)


@pytest.mark.parametrize("number", [1, 2, 6, 24])
def test_the_network_grows_around_the_asked_number(number: int) -> None:
    people = grown(60, number)
    assert len(people) == number
    assert abs(sum(people) - 60 * number) <= number
    assert people[-6:] == sorted(people[-6:])


def test_nobody_is_served_before_being_accepted() -> None:
    for _, acts in intake_days(date(2026, 11, 1), 200, SERVICES):
        hours: dict[str, list[int]] = {}
        for act in acts:
            if act.path.startswith("referrals/"):
                hours.setdefault(act.path.split("/")[1], []).append(act.hour)
        assert all(each == sorted(set(each)) for each in hours.values())


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
    days = list(screening_days(first, 100, "instrument"))
    assert sum(act.path == "cases" for _, acts in days for act in acts) == 100
    assert {moment.month - first.month for moment, _ in days} == {0, 1, 2}
    assert all(moment.date() < today for moment, _ in days)
    assert days == list(screening_days(first, 100, "instrument"))


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
