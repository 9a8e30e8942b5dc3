"""The demo's history: earlier referrals and screenings, their release, and a bulletin that quotes it."""

import pytest
from common import clock
from stack.demo.history import quarter_before, quarter_id

from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
ASKED = ("demo", "history", "--half-months", "2", "--people", "18", "--screened", "24")


def published(system: System, programme: str) -> dict[str, str]:
    """Return a programme's release ids by period."""
    items = system.public(f"/reports/v1/releases?programme={programme}&limit=200")["items"]
    return {each["period"]: each["id"] for each in items}


@pytest.fixture(scope="module")
def period(system: System) -> str:
    """Return the newest half month of the demo's history; the story may have released a later one."""
    before = published(system, "referrals").keys()
    told = system.ruta(*ASKED)
    assert "people referred" in told.stdout
    return max(published(system, "referrals").keys() - before)


def test_the_demo_bulletin_quotes_the_release_and_every_number_traces(
    system: System, period: str
) -> None:
    drafted, *_, read = system.ruta("bulletin", "draft", period).stdout.split()
    system.ruta("bulletin", "sign-off", drafted, read)
    system.ruta("bulletin", "publish", drafted)
    traced = system.public(f"/reports/v1/bulletins/{drafted}/trace")
    shown = {
        each["beside"]["en"]: int(each["value"])
        for each in traced["figures"]
        if each["beside"]["en"] in {"People referred", "People trained"}
        and each["value"] is not None
    }
    # A release about so few people may round to zero, but it must be quoted.
    assert shown["People referred"] % 11 == 0
    assert shown["People trained"] > 0
    assert traced["problems"] == []  # Checked in every format and language of the bulletin.


@pytest.mark.parametrize("programme", ["screening", "trafficking", "routes", "assistance"])
def test_the_quarter_before_has_protected_counts_of_people_screened(
    system: System, period: str, programme: str
) -> None:
    assert period
    quarter = quarter_id(quarter_before(clock.utc_day(clock.now())))
    release = published(system, programme)[quarter]
    answer = system.public(f"/reports/v1/releases/{release}/query")
    assert answer["k"] == 11
    assert answer["total"] % 11 == 0


def test_the_past_is_told_once(system: System, period: str) -> None:
    again = system.ruta(*ASKED)
    assert again.stdout.startswith("0 people"), period
