"""A service is offered on its last day until midnight in the home time zone, whatever the UTC day."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from common import clock
from httpx import AsyncClient

from tests.services.directory.conftest import Publish, ids_seen

HOURS = [("America/Caracas", 21), ("Asia/Dhaka", 1)]


@pytest.fixture(params=HOURS, ids=[zone for zone, _ in HOURS])
def today(request: pytest.FixtureRequest) -> Iterator[date]:
    zone, hour = request.param
    clock.live_in(zone)
    day = clock.today() + timedelta(days=1)
    with clock.shifted(datetime.combine(day, time(hour), ZoneInfo(zone)) - clock.now()):
        assert clock.utc_day(clock.now()) != day
        yield day
    clock.live_in(clock.HOME_TIMEZONE)


async def test_a_service_is_offered_on_the_last_day_of_its_season_and_of_its_verification(
    api: AsyncClient, publish: Publish, today: date
) -> None:
    daily = {
        "freq": "WEEKLY",
        "byday": "MO,TU,WE,TH,FR,SA,SU",
        "opens_at": "00:00",
        "closes_at": "00:00",
    }
    seasonal = await publish(schedules=[daily | {"valid_from": str(today), "valid_to": str(today)}])
    verified = await publish(verification={"valid_until": str(today)})
    assert set(await ids_seen(api, "anonymous", referable="true")) == {seasonal, verified}
    midnight = clock.begins(today + timedelta(days=1)) - clock.now()
    with clock.shifted(midnight - timedelta(minutes=5)):
        assert set(await ids_seen(api, "anonymous", referable="true")) == {seasonal, verified}
    with clock.shifted(midnight):
        # West of the home time zone it may still be yesterday, where a season lasts a day longer but a verification does not.
        assert await ids_seen(api, "anonymous", referable="true") == [seasonal]
