"""Clocks may differ. Processes tolerate a small difference and warn somebody in time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from common import clocks
from common.clocks import DOUBTED_FOR, LEAP, Look, after
from common.db.session import Database
from common.http.context import ServiceContext
from common.http.idempotency import ending
from common.messaging import Broker
from httpx import ASGITransport, AsyncClient
from stack.embedded.nats import NatsServer

from tests.common import sample
from tests.common.test_messaging import until
from tests.support.principals import bearer, keyed

URL = "/sample/v1/notes/count"


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (0, "ok"),
        (9.9, "ok"),
        (-9.9, "ok"),
        (45, "45 s ahead of the database"),
        (-45, "45 s behind the database"),
    ],
)
def test_ten_seconds_are_told(apart: float, said: str) -> None:
    assert clocks.compared(1_000 + apart, 1_000, "the database") == said


@pytest.mark.parametrize("apart", [-115, -45, 45, 115])
async def test_an_operation_goes_on_with_clocks_two_minutes_apart(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch, apart: int
) -> None:
    """A token stays valid if the service's clock is two minutes ahead of or behind the gateway's clock."""
    headers = bearer("ngo-refugio", audience="ruta-directory")
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() + apart)
    assert (await api.get(URL, headers=headers)).status_code == 200


async def test_further_apart_a_token_from_the_future_is_refused(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer("ngo-refugio", audience="ruta-directory")
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() - clocks.BETWEEN_PROCESSES_SECONDS - 5)
    assert (await api.get(URL, headers=headers)).status_code == 401


async def test_ready_names_a_clock_that_is_apart_from_the_database(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get("/readyz")).json()["parts"]["clock"] == "ok"
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() + 45)
    told = (await api.get("/readyz")).json()
    assert told["parts"]["clock"] == "45 s ahead of the database"
    assert clocks.REMEDY in told["parts"]["remedy"]
    assert told["status"] == "degraded"


async def test_the_broker_says_its_time_with_a_stream(
    settings: sample.Settings, nats_server: NatsServer, clean_stream: object, database: Database
) -> None:
    broker = Broker(settings)
    await broker.start()
    try:
        await until(lambda: broker.connected)
        assert await broker.seconds("RUTA_REFERRALS") is None, "without a stream it says nothing"
        said = await broker.seconds("RUTA_DIRECTORY")
        assert said is not None
        assert clocks.compared(time.time(), said, "the broker") == clocks.OK
    finally:
        await broker.stop()


async def test_old_rows_end_only_by_a_clock_that_the_database_s_bears_out(
    api: AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idempotency records expire after half a year, but only if the service's clock agrees with the database's
    clock."""
    await api.post("/sample/v1/notes", json={"text": "a"}, headers=keyed({}))
    commands = sample.TABLES.stored_results
    async with database.transaction() as session:
        await session.execute(
            commands.update().values(created_at=sa.text("now() - interval '181 days'"))
        )
    transport = api._transport
    assert isinstance(transport, ASGITransport)
    context: ServiceContext = transport.app.state.context  # type: ignore[attr-defined]
    task = ending(context)

    async def left() -> int:
        stop = asyncio.Event()
        running = asyncio.ensure_future(task.run(stop))
        await asyncio.sleep(0)
        stop.set()
        await running
        async with database.transaction() as session:
            return len((await session.execute(sa.select(commands.c.key))).all())

    really = time.time
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: really() + clocks.BETWEEN_PROCESSES_SECONDS + 5)
        assert await left() == 1
    assert await left() == 0


NOW = datetime(2026, 11, 30, 18, tzinfo=UTC)
BELIEVED = Look(NOW, NOW - timedelta(days=30))


@pytest.mark.parametrize(
    ("step", "believed"),
    [
        (timedelta(minutes=1), True),
        (timedelta(days=6, hours=23), True),  # switched off during a week of holidays
        (timedelta(days=7, seconds=1), False),
        (timedelta(days=365 * 11), False),
        (timedelta(seconds=-119), True),  # Another worker's clock.
        (timedelta(seconds=-121), False),
        (timedelta(days=-365 * 20), False),
    ],
)
def test_a_step_is_doubted_for_three_days(step: timedelta, believed: bool) -> None:
    look = after(BELIEVED, NOW + step)
    assert look.believed is believed
    if not believed:
        for _ in range(2):
            look = after(look, look.at + DOUBTED_FOR / 2)
        assert look.believed


def test_what_is_switched_off_each_weekend_is_not_doubted_for_ever() -> None:
    look = after(BELIEVED, NOW + LEAP + timedelta(days=1))
    for _ in range(4):
        look = after(look, look.at + timedelta(hours=63))
    assert look.believed


def test_a_clock_that_is_corrected_is_doubted_for_three_days_more_not_for_years() -> None:
    wrong = after(BELIEVED, NOW + timedelta(days=3650))
    corrected = after(wrong, NOW + timedelta(days=1))
    assert not corrected.believed
    assert corrected.believed_from == NOW + timedelta(days=1) + DOUBTED_FOR
