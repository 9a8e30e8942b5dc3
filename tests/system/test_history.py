"""The demo's past: referred on days gone by, released, and told in a bulletin that traces."""

import pytest

from tests.support.system import System

pytestmark = pytest.mark.system
PEOPLE = 18


@pytest.fixture(scope="module")
def period(system: System) -> str:
    """The newest half month that the demo's past tells of."""
    told = system.ruta("demo", "history", "--half-months", "2", "--people", str(PEOPLE))
    assert "people referred" in told.stdout
    releases = system.running.request(None, "GET", "/reports/v1/releases?programme=referrals")
    found = [each["period"] for each in releases.json()["items"]]
    return str(found[1] if told.stdout.startswith(f"{PEOPLE} ") else found[0])


def test_the_demo_bulletin_quotes_the_release_and_every_number_traces(
    system: System, period: str
) -> None:
    drafted = system.ruta("bulletin", "draft", period).stdout.split()[0]
    system.ruta("bulletin", "sign-off", drafted)
    system.ruta("bulletin", "publish", drafted)
    traced = system.running.request(None, "GET", f"/reports/v1/bulletins/{drafted}/trace").json()
    shown = {
        each["beside"]["en"]: int(each["value"])
        for each in traced["figures"]
        if each["beside"]["en"] in {"People referred", "People trained"}
        and each["value"] is not None
    }
    # A release of so few people may round to nothing; that it is quoted at all is what matters.
    assert shown["People referred"] % 11 == 0
    assert shown["People trained"] > 0
    assert traced["problems"] == []  # looked for in every form and language of the bulletin


def test_the_past_is_told_once(system: System, period: str) -> None:
    again = system.ruta("demo", "history", "--half-months", "2", "--people", str(PEOPLE))
    assert again.stdout.startswith("0 people"), period
