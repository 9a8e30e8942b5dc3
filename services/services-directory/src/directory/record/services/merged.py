"""Old ids of merged services keep working: they lead to the entry that they were merged into."""

from uuid import UUID

from common.errors import NOT_FOUND
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from directory.record.documents.queries import is_seen
from directory.record.records.queries import merged_into, was_seen

_LONGEST_CHAIN = 10


async def moved_to(session: AsyncSession, audience: Audience, service_id: UUID) -> Response:
    """308 to the entry that took this one in, if the caller may see both; else 404: a holder of its id must not learn
    that a hidden place is the one next door."""
    target = service_id
    for _ in range(_LONGEST_CHAIN):
        following = await merged_into(session, target)
        if following is None:
            break
        target = following
    if (
        target != service_id
        and await is_seen(session, audience, target)
        and await was_seen(session, audience, service_id)
    ):
        return RedirectResponse(f"/directory/v1/services/{target}", status_code=308)
    raise NOT_FOUND.because("no_service_has_this_id")
