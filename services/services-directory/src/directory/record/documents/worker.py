"""Hides the services of an organisation while its access is suspended, and shows them again afterwards.

The gateway reports which organisations are suspended (decision 0179). This sweep looks for services that must change.
It therefore finds all of them, however many there are, including those of older suspensions.
"""

from functools import partial

from common.db.ended_rights import suspended_organisations
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext

from directory.record.documents.refresh import store
from directory.record.organizations.refresh import store_organization, take_to_withhold
from directory.record.records import service as records
from directory.tables import ENDED_RIGHTS

AT_ONCE = 200
IDLE_SECONDS = 1.0


def withholding_tasks(context: ServiceContext) -> list[BackgroundTask]:
    work = partial(withhold_some, context.database)
    return [BackgroundTask.repeated("withheld-entries", work, IDLE_SECONDS)]


async def withhold_some(database: Database) -> bool:
    """Hide or show some services according to their organisation's access. Return False if there were none."""
    async with database.transaction() as session:
        suspended = await suspended_organisations(session, ENDED_RIGHTS)
        services = await records.take_to_withhold(session, suspended, AT_ONCE)
        await store(session, services)
    async with database.transaction() as session:
        organizations = await take_to_withhold(session, suspended, AT_ONCE)
        for each in organizations:
            await store_organization(session, each)
    return bool(services or organizations)
