"""Old ids of merged services keep working: they lead to the entry that they were merged into."""

from uuid import UUID

import sqlalchemy as sa
from common.errors import NOT_FOUND
from common.sight import Audience
from common.web import context_of
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services_directory.access import visible
from services_directory.search.rows_queries import Asks
from services_directory.services.models import service_documents, services

_LONGEST_CHAIN = 10


async def moved_to(
    request: Request, session: AsyncSession | Asks, audience: Audience, service_id: UUID
) -> Response:
    """308 to the entry that took this one in, if the caller may see that; else 404."""
    if not isinstance(session, AsyncSession):
        async with context_of(request).database.transaction() as own:
            return await moved_to(request, own, audience, service_id)
    target = service_id
    for _ in range(_LONGEST_CHAIN):
        following = await session.scalar(
            sa.select(services.c.merged_into).where(services.c.id == target)
        )
        if following is None:
            break
        target = following
    if target != service_id:
        seen = await session.scalar(
            sa.select(service_documents.c.service_id).where(
                service_documents.c.service_id == target, visible(service_documents.c, audience)
            )
        )
        if seen is not None:
            return RedirectResponse(f"/directory/v1/services/{target}", status_code=308)
    raise NOT_FOUND.because("No service has this id.")
