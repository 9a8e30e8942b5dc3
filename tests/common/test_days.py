"""A day is a day in the home time zone. Statistics use UTC days, and no other code turns a timestamp into a day."""

import ast
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from common import clock
from common.db.session import Database

from tests.common import sample

ROOT = Path(__file__).parents[2]
WITHOUT_A_ZONE = {
    "libs/common/src/common/clock.py": 2,
    # A cell in a sheet or a text by a person has a day or an hour without a time zone.
    "services/reporting/src/reporting/count/activities/workbook.py": 1,
    "services/services-directory/src/directory/files/imports/values/cells.py": 2,
    "services/services-directory/src/directory/files/imports/workbook/row.py": 1,
    "services/services-directory/src/directory/find/search/condition_queries.py": 1,
    # The clock time in the home zone or in the calendar's own zone.
    "services/services-directory/src/directory/show/information/service.py": 3,
    "services/referrals/src/referrals/ground/timers/deadlines.py": 1,
}
"""Places that take the day of a `datetime` without saying in which zone, and how many of them."""


@pytest.fixture(autouse=True)
def _at_home() -> Iterator[None]:
    yield
    clock.live_in(clock.HOME_TIMEZONE)


@pytest.mark.parametrize(
    ("zone", "moment", "at_home"),
    [
        ("America/Caracas", datetime(2026, 12, 1, 3, 59, tzinfo=UTC), date(2026, 11, 30)),
        ("America/Caracas", datetime(2026, 12, 1, 4, tzinfo=UTC), date(2026, 12, 1)),
        ("Asia/Dhaka", datetime(2026, 11, 30, 17, 59, tzinfo=UTC), date(2026, 11, 30)),
        ("Asia/Dhaka", datetime(2026, 11, 30, 18, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_a_day_ends_at_midnight_at_home(zone: str, moment: datetime, at_home: date) -> None:
    clock.live_in(zone)
    assert clock.day_of(moment) == at_home
    assert clock.begins(at_home) <= moment <= clock.ends(at_home)
    assert clock.ends(at_home) + timedelta(microseconds=1) == clock.begins(at_home + timedelta(1))
    assert clock.utc_day(moment) == date(moment.year, moment.month, moment.day)
    with clock.shifted(moment - clock.now()):
        assert clock.today() == at_home


async def test_a_service_lives_where_its_settings_say(
    settings: sample.Settings, database: Database
) -> None:
    sample.create_app(settings.model_copy(update={"home_timezone": "Asia/Dhaka"}), database)
    assert clock.day_of(datetime(2026, 11, 30, 18, tzinfo=UTC)) == date(2026, 12, 1)


@pytest.mark.parametrize("zone", ["America/Caracas", "Asia/Dhaka"])
def test_a_day_that_stands_for_never_is_a_day(zone: str) -> None:
    clock.live_in(zone)
    for day in (date.min, date.max):
        assert clock.begins(day) <= clock.ends(day)
        assert clock.day_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)) == day
    assert clock.day_of(datetime.max.replace(tzinfo=UTC)) == date.max


def _days(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the places that call `….date()` on a timestamp, except right after a conversion into a named zone."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr != "date" or node.args or node.keywords:
            continue
        of = node.func.value
        named = isinstance(of, ast.Call) and ast.unparse(of.func).endswith(".astimezone")
        if named and not ast.unparse(of).endswith((".astimezone()", ".astimezone(UTC)")):
            continue
        yield node


def test_nothing_else_makes_a_day_of_a_moment() -> None:
    """Code uses `clock.today()` and `clock.day_of(moment)` for home days, and `clock.utc_day(moment)` for UTC days."""
    found: Counter[str] = Counter()
    for folder in ("services", "libs", "stack", "gateway"):
        for file in sorted((ROOT / folder).glob("**/src/**/*.py")):
            source = file.read_text()
            if ".date()" in source:
                found[str(file.relative_to(ROOT))] += len(list(_days(ast.parse(source))))
    assert {file: count for file, count in found.items() if count} == WITHOUT_A_ZONE


def test_no_test_takes_the_day_in_utc_for_the_day_at_home() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "tests").glob("**/*.py"))
        if ".date()" in (source := file.read_text())
        for node in _days(ast.parse(source))
        if isinstance(node.func, ast.Attribute) and "now(" in ast.unparse(node.func.value)
    ]
    assert found == []
