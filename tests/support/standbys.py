"""A primary with a standby that really follows it, and apps that read from both."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.standby import Standby as Used
from common.web import UnitOfWorkRoute
from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from services_directory.reading.read_route import READER, StraightRoute
from services_directory.reading.standby_reader import STANDBY_READER
from stack.postgres import PostgresServer, ServiceDatabase

from drills.faults.standby import Standby
from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Pair:
    primary: PostgresServer
    standby: PostgresServer

    def read_url(self, database: ServiceDatabase) -> SecretStr:
        """The same role at the standby."""
        return SecretStr(
            database.app_url.replace(f":{self.primary.port}/", f":{self.standby.port}/")
        )

    @contextmanager
    def replay_paused(self) -> Iterator[None]:
        """The standby receives all that is written and shows none of it."""
        self.standby.psql("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.standby.psql("SELECT pg_wal_replay_resume()")


@contextmanager
def following(folder: Path) -> Iterator[Pair]:
    """A primary, still empty, and its standby, which starts once `folder` holds what was written first."""
    folder.chmod(0o755)
    places = [folder / name for name in ("primary", "standby")]
    places[0].mkdir(mode=0o755)
    primary = PostgresServer(places[0], durable=False)
    primary.start()
    # As the real ones do it, but for the time of their disks: what is acknowledged is in the log.
    primary.psql("ALTER ROLE ALL SET synchronous_commit = on")
    standby = Standby(primary, places[1], durable=False)
    try:
        standby.begin()
        yield Pair(primary, standby.server)
    finally:
        standby.server.stop(immediate=True)
        primary.stop(immediate=True)


async def settled(used: Used, state: str) -> None:
    """Looks until the standby is found so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await used.look()
            if used.state == state:
                return
            await asyncio.sleep(0.05)


def used_by(app: FastAPI) -> Used:
    used: Used | None = app.state.context.standby
    assert used is not None
    return used


def readings(app: FastAPI) -> dict[str, float]:
    """How many questions who answered."""
    (family,) = used_by(app).readings.collect()
    return {
        each.labels["outcome"]: each.value
        for each in family.samples
        if each.name.endswith("_total")
    }


@asynccontextmanager
async def client_of(app: FastAPI, *, watched: bool = True) -> AsyncIterator[AsyncClient]:
    """As the app serves, with the looks at its standby beside."""
    transport: Any = ASGITransport(app, raise_app_exceptions=False)
    context, stop = app.state.context, asyncio.Event()
    used: Used | None = context.standby
    looks = asyncio.create_task(used.watch(stop)) if watched and used is not None else None
    try:
        async with AsyncClient(transport=transport, base_url="http://service") as client:
            yield client
    finally:
        stop.set()
        if looks is not None:
            await looks
        for reader in (READER, STANDBY_READER):
            if reader in context.parts:
                await context.parts[reader].close()
        await context.close()


def answered_by(route: Any) -> str:
    """By its reader, or in a transaction there; or by the primary."""
    by_reader = isinstance(route, StraightRoute)
    return "standby" if by_reader or route.reads_from_standby else "primary"


def questions(routers: Sequence[APIRouter]) -> list[Any]:
    """All routes that only ask."""
    routes = [route for part in routers for route in part.routes]
    return [
        route
        for route in routes
        if isinstance(route, UnitOfWorkRoute)
        and ((route.methods or set()) <= {"GET", "HEAD"} or answered_by(route) == "standby")
    ]
