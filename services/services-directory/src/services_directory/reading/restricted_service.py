"""Who was shown a restricted service: written in the transaction of the answer, so that there is no
answer without its log."""

from collections.abc import Iterable
from uuid import UUID

from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.reading.models import restricted_reads


async def log_restricted(
    session: AsyncSession, caller: Principal, route: str, service_ids: Iterable[UUID]
) -> None:
    rows = [
        {
            "service_id": service_id,
            "client_id": caller.doer,
            "organisation_id": caller.organisation_id,
            "route": route,
            "at": clock.now(),
        }
        for service_id in sorted(service_ids)
    ]
    if rows:
        await session.execute(restricted_reads.insert(), rows)
