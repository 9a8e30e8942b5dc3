"""A command of a batch begins with no rights of the one before it."""

from uuid import uuid4

import sqlalchemy as sa
from common.auth import Principal
from common.db.session import Database, begin_next


async def test_the_next_command_is_its_callers_and_has_no_service_rights(
    database: Database,
) -> None:
    caller = Principal("ngo-refugio", "ngo-refugio", organisation_id=uuid4())
    told = sa.text("SELECT current_setting('ruta.client'), current_setting('ruta.as_service')")
    async with database.transaction(caller) as session:
        await session.execute(sa.text("SELECT set_config('ruta.as_service', 'on', true)"))
        session.info["of_the_first"] = 1
        await begin_next(session)
        assert tuple((await session.execute(told)).one()) == ("ngo-refugio", "")
        assert "of_the_first" not in session.info
