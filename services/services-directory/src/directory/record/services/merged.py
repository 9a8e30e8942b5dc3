"""Keeps old ids of merged services working: they redirect to the merged entry."""

from uuid import UUID

from common.errors import NOT_FOUND
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from directory.record.documents.queries import is_seen
from directory.record.records.queries import merged_into, was_seen

_LONGEST_CHAIN = 10


async def moved_to(session: AsyncSession, audience: Audience, service_id: UUID) -> Response:
    """Redirect (308) to the entry that this one was merged into, if the caller may see both. Raise 404 otherwise,
    because an old id must not reveal that a hidden place is the one next door."""
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
