"""Settings of one transaction go with the caller, or by themselves where something was asked before."""

import pytest
import sqlalchemy as sa
from common.database import PLANNED_ONCE, Database, begin_command, set_for_transaction

from tests.common import sample
from tests.support.principals import principal

_BOTH = sa.text(
    "SELECT current_setting('plan_cache_mode'), current_setting('ruta.organisation'),"
    " pg_backend_pid()"
)


@pytest.mark.parametrize("asked_before", [False, True])
async def test_they_hold_until_the_transaction_ends_and_the_caller_is_told_beside(
    settings: sample.Settings, asked_before: bool
) -> None:
    caller = principal("ngo-salud")
    database = Database.at(settings.database_url.get_secret_value(), pool_size=1)
    try:
        async with database.transaction(caller) as session:
            if asked_before:
                await session.execute(_BOTH)
            await set_for_transaction(session, PLANNED_ONCE)
            mode, organisation, backend = (await session.execute(_BOTH)).one()
        assert (mode, organisation) == ("force_generic_plan", str(caller.organisation))
        async with database.transaction() as session:
            assert tuple((await session.execute(_BOTH)).one()) == ("auto", "", backend)
    finally:
        await database.close()


@pytest.mark.parametrize("changed", [False, True])
async def test_a_next_command_finds_the_caller_as_told_and_nothing_else(
    settings: sample.Settings, changed: bool
) -> None:
    """PostgreSQL is told again only where something was set since."""
    caller = principal("ngo-salud")
    as_service = sa.text("SELECT current_setting('ruta.as_service') = 'on'")
    database = Database.at(settings.database_url.get_secret_value(), pool_size=1)
    try:
        async with database.transaction(caller) as session:
            await begin_command(session, None, first=True)
            if changed:
                await set_for_transaction(session, "set_config('ruta.as_service', 'on', true)")
                assert await session.scalar(as_service)
            await begin_command(session, None)
            assert not await session.scalar(as_service)
            organisation = (await session.execute(_BOTH)).one()[1]
        assert organisation == str(caller.organisation)
    finally:
        await database.close()
