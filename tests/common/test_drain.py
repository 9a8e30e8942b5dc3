"""At SIGTERM, a service accepts nothing new and finishes its current work."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from httpx import AsyncClient, Response
from stack.embedded.nats import NatsServer
from stack.embedded.ports import answers, free_port
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.common.test_messaging import until
from tests.support.databases import MigratedDatabases, random_key
from tests.support.patience import PATIENCE
from tests.support.principals import bearer, keyed, organisation


@asynccontextmanager
async def held(database: ServiceDatabase) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Lock the organisation's row. Yield a function that returns whether another transaction is waiting for it."""
    url = database.owner_url.replace("postgresql+asyncpg://", "postgresql://")
    holder, watcher = await asyncpg.connect(url), await asyncpg.connect(url)

    async def waiting() -> bool:
        return bool(
            await watcher.fetchval(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'organizations'::regclass"
                " AND NOT granted)"
            )
        )

    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE organizations IN EXCLUSIVE MODE")
            yield waiting
    finally:
        await holder.close()
        await watcher.close()


@pytest.mark.slow
async def test_a_request_that_was_begun_is_answered_before_the_service_ends(
    postgres: PostgresServer, nats_server: NatsServer, internal_jwks: Path
) -> None:
    database = await MigratedDatabases(postgres).of("directory", "draining")
    port = free_port()
    given = {
        "RUTA_ENVIRONMENT": "embedded", "RUTA_HOST": "127.0.0.1", "RUTA_PORT": str(port),
        "RUTA_DATABASE_URL": database.app_url, "RUTA_DATABASE_ROLE": database.app_role,
        "RUTA_NATS_URL": nats_server.url,
        "RUTA_NATS_PASSWORD": nats_server.credentials["directory"],
        "RUTA_INTERNAL_JWKS_FILE": str(internal_jwks), "RUTA_STORED_RESULT_KEY": random_key(),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "directory", "api", env=os.environ | given
    )
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await until(lambda: answers(port))
            headers = keyed(bearer("ngo-refugio", audience="ruta-directory"))
            async with held(database) as waiting:
                request = asyncio.create_task(
                    client.post(
                        "/directory/v1/records/organizations",
                        json={
                            "id": str(organisation(1)),
                            "name": "Casa Abierta",
                            "description": "Acogida",
                        },
                        headers=headers,
                    )
                )
                await until(lambda: request.done() or waiting())
                assert not request.done(), request.result().text
                process.send_signal(signal.SIGTERM)
                await until(lambda: not answers(port))
                await asyncio.sleep(2)  # far longer than a service that aborts its work would take
                assert not request.done(), "cut off"
            (answer,) = await asyncio.gather(request, return_exceptions=True)
        assert isinstance(answer, Response), f"cut off: {answer!r}"
        assert answer.status_code == 201, answer.text
        assert await asyncio.wait_for(process.wait(), PATIENCE) == -signal.SIGTERM
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
