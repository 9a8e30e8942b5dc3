"""SELECTs of readable services, for callers that do not need the documents themselves."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import Audience, audience_of
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.access import visible
from directory.record.documents.models import service_documents, site_documents
from directory.record.records.queries import readable_ids, withheld_sites


def seen(audience: Audience) -> sa.Select[UUID]:
    """Select the ids of the services that the audience sees at some level."""
    d = service_documents.c
    return sa.select(d.service_id).where(visible(d, audience))


async def is_seen(session: AsyncSession, audience: Audience, service_id: UUID) -> bool:
    found = await session.scalar(seen(audience).where(service_documents.c.service_id == service_id))
    return found is not None


async def states_seen(
    session: AsyncSession, audience: Audience, service_id: UUID
) -> list[str] | None:
    """Return the states of a service that the audience can see at some level, else None."""
    d = service_documents.c
    found: list[str] | None = await session.scalar(
        sa.select(d.states).where(visible(d, audience), d.service_id == service_id)
    )
    return found


async def shown(session: AsyncSession, caller: Principal, ids: Collection[UUID]) -> Sequence[UUID]:
    """Return the given services that the caller can see at some level, or whose record the caller may read."""
    wanted = sa.literal(list(ids), sa.ARRAY(sa.Uuid))
    documents = seen(audience_of(caller)).where(service_documents.c.service_id == sa.any_(wanted))
    return (await session.scalars(sa.union(documents, readable_ids(caller, ids)))).all()


async def is_shown(session: AsyncSession, caller: Principal, service_id: UUID) -> bool:
    return bool(await shown(session, caller, [service_id]))


async def taken_sites(session: AsyncSession, given: Collection[UUID]) -> set[UUID]:
    """Return the site ids that a service already uses. A withheld service has no document now but will have one again,
    so its sites count as well."""
    taken = await session.scalars(
        sa.select(site_documents.c.site_id).where(
            site_documents.c.site_id == sa.any_(sa.literal(list(given), sa.ARRAY(sa.Uuid)))
        )
    )
    return set(taken) | set(given) & await withheld_sites(session)
