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


def test_the_demo_bulletin_shows_people_and_every_number_traces(
    system: System, period: str
) -> None:
    drafted = system.ruta("bulletin", "draft", period).stdout.split()[0]
    system.ruta("bulletin", "sign-off", drafted)
    system.ruta("bulletin", "publish", drafted)
    traced = system.running.request(None, "GET", f"/reports/v1/bulletins/{drafted}/trace").json()
    referred = [
        int(figure["value"])
        for figure in traced["figures"]
        if figure["beside"]["en"] == "People referred" and figure["value"] is not None
    ]
    assert referred[0] > 0
    assert referred[0] % 11 == 0
    assert traced["problems"] == []  # looked for in every form and language of the bulletin


def test_the_past_is_told_once(system: System, period: str) -> None:
    again = system.ruta("demo", "history", "--half-months", "2", "--people", str(PEOPLE))
    assert again.stdout.startswith("0 people"), period
