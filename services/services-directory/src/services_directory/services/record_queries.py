"""Records for editors and curators: which they may read, and lists of them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import BAD_CURSOR
from common.paging import decode_cursor, encode_cursor
from common.sight import NAMES, PATHWAY, audience_of
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import visible
from services_directory.curation.states import CURATE
from services_directory.organizations.models import organizations
from services_directory.services.models import TEXTS, service_documents, services
from services_directory.services.schemas import RecordLine, RecordPage


async def shown(
    session: AsyncSession, principal: Principal, ids: Collection[UUID]
) -> Sequence[UUID]:
    """Those of the services that the caller sees at some level, or whose record it may read."""
    d = service_documents.c
    wanted = sa.literal(list(ids), sa.ARRAY(sa.Uuid))
    seen = sa.select(d.service_id).where(
        d.service_id == sa.any_(wanted), visible(d, audience_of(principal))
    )
    own = sa.select(services.c.id).where(services.c.id == sa.any_(wanted), readable(principal))
    return (await session.scalars(sa.union(seen, own))).all()


async def compared(
    session: AsyncSession, principal: Principal, ids: Collection[UUID]
) -> Sequence[Any]:
    """`id`, `document` and the document of its `organization`, of those that the caller may read."""
    found = await session.execute(
        sa.select(
            services.c.id, services.c.document, organizations.c.document.label("organization")
        )
        .join(organizations, organizations.c.id == services.c.organization_id)
        .where(
            services.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))), readable(principal)
        )
    )
    return found.all()


async def is_shown(session: AsyncSession, principal: Principal, service_id: UUID) -> bool:
    return bool(await shown(session, principal, [service_id]))


def readable(principal: Principal) -> sa.ColumnElement[bool]:
    """Own entries; for curators also those of their areas of responsibility."""
    own: sa.ColumnElement[bool] = sa.or_(
        services.c.organization_id == principal.organisation_id,
        services.c.managed_by == principal.organisation_id,
    )
    if CURATE not in principal.scopes or not principal.roles & {Role.COORDINATOR, Role.IM}:
        return own
    led: sa.ColumnElement[bool] = sa.or_(
        services.c.aors.op("&&")(sa.literal(sorted(principal.aors), TEXTS)),
        services.c.aors.op("<@")(sa.literal(["GP", "MULTI"], TEXTS)),
    )
    if Role.COORDINATOR not in principal.roles:
        led = sa.and_(led, services.c.visibility <= PATHWAY)
    return sa.or_(own, led)


async def page(
    session: AsyncSession,
    principal: Principal,
    *,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> RecordPage:
    """In id order (time of entry), a cursor page."""
    statement = sa.select(services).where(readable(principal))
    if state is not None:
        statement = statement.where(services.c.state == state)
    after = decode_cursor(cursor, 1)
    if after is not None:
        statement = statement.where(services.c.id > id_in(after[0]))
    rows: list[Any] = list(
        (await session.execute(statement.order_by(services.c.id).limit(limit + 1))).all()
    )
    more = len(rows) > limit
    items = [
        RecordLine(
            id=row.id,
            name=row.document["name"],
            organization_id=row.organization_id,
            state=row.state,
            version=row.version,
            visibility=NAMES[row.visibility],
            aors=row.aors,
            modified_at=row.modified_at,
            valid_until=row.valid_until,
            stale=row.stale,
        )
        for row in rows[:limit]
    ]
    return RecordPage(items=items, next_cursor=encode_cursor(items[-1].id) if more else None)


def id_in(value: Any) -> UUID:
    """An id out of a cursor; `bad_cursor` if somebody made it up."""
    try:
        return UUID(str(value))
    except ValueError:
        raise BAD_CURSOR.because("Take the cursor from the page before, unchanged.") from None


def number_in(value: Any) -> int:
    """A number out of a cursor; `bad_cursor` if somebody made it up."""
    if not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise BAD_CURSOR.because("Take the cursor from the page before, unchanged.")
    return value


def day_in(value: Any) -> date:
    """A day out of a cursor; `bad_cursor` if somebody made it up."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BAD_CURSOR.because("Take the cursor from the page before, unchanged.") from None
