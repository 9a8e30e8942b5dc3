"""A command of a batch starts without the rights of the one before it."""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from common.auth import Principal
from common.db.session import Database
from common.http.routing import OUTER
from httpx import ASGITransport, AsyncClient

from tests.common import sample
from tests.support.principals import bearer, organisation


async def test_the_next_command_is_its_callers_and_has_no_service_rights(
    settings: sample.Settings, database: Database
) -> None:
    app = sample.create_app(settings, database)
    caller = Principal("ngo-refugio", "ngo-refugio", organisation_id=organisation(1))
    rights = sa.text("SELECT current_setting('ruta.as_service')")
    async with database.transaction(caller) as session:

        async def in_the_batch(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, OUTER: session}, receive, send)

        for name, value in (("as_service", "on"), ("organisation", str(uuid4()))):
            await session.execute(sa.text(f"SELECT set_config('ruta.{name}', '{value}', true)"))
        session.info["of_the_first"] = 1
        async with AsyncClient(
            transport=ASGITransport(in_the_batch), base_url="http://sample"
        ) as api:
            headers = bearer("ngo-refugio", audience="ruta-directory")
            answer = await api.get("/sample/v1/notes/caller", headers=headers)
        assert answer.json() == {"organisation": str(organisation(1))}
        assert await session.scalar(rights) == ""
        assert "of_the_first" not in session.info
