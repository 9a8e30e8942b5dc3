"""What curators look at: history, reads of restricted entries, reminders, likely duplicates."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.models import (
    VERIFICATION_DUE,
    VERIFICATION_EXPIRED,
    history,
    reminders,
    restricted_reads,
)
from services_directory.services.models import services
from services_directory.services.record_queries import readable

LIKELY = 0.45
DOUBTED_FOR = timedelta(days=30)
SUGGESTED = 20


async def history_of(
    session: AsyncSession, entity_id: UUID, after: list[Any] | None, limit: int
) -> list[Any]:
    """Newest first."""
    h = history.c
    statement = (
        sa.select(history)
        .where(h.entity_id == entity_id)
        .order_by(h.version.desc(), h.id.desc())
        .limit(limit)
    )
    if after is not None:
        at = sa.tuple_(sa.literal(int(after[0]), sa.BigInteger), sa.cast(str(after[1]), sa.Uuid))
        statement = statement.where(sa.tuple_(h.version, h.id) < at)
    return list((await session.execute(statement)).all())


async def reads_of(
    session: AsyncSession, service_id: UUID, after: list[Any] | None, limit: int
) -> list[Any]:
    """Newest first."""
    r = restricted_reads.c
    statement = (
        sa.select(restricted_reads)
        .where(r.service_id == service_id)
        .order_by(r.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(r.id < int(after[0]))
    return list((await session.execute(statement)).all())


async def reminders_for(
    session: AsyncSession,
    principal: Principal,
    *,
    curated: bool,
    after: tuple[date, UUID] | None,
    limit: int,
) -> list[Any]:
    """Of the caller's organisation, or of every entry that the caller curates; the most urgent
    first, and only those that still stand."""
    r, s = reminders.c, services.c
    mine = sa.or_(
        s.organization_id == principal.organisation_id, s.managed_by == principal.organisation_id
    )
    statement = (
        sa.select(
            reminders, s.document["name"].astext.label("name"), s.aors, s.stale,
            s.organization_id,
        )
        .join(services, s.id == r.service_id)
        .where(
            readable(principal) if curated else mine,
            s.state.not_in(["withdrawn", "merged"]),
            sa.case(
                # What has expired is no longer just due.
                (r.kind == VERIFICATION_DUE, (r.due_on == s.valid_until) & sa.not_(s.stale)),
                (r.kind == VERIFICATION_EXPIRED, r.due_on == s.valid_until),
                else_=r.created_at > clock.now() - DOUBTED_FOR,
            ),
        )
        .order_by(r.due_on, r.id)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.Date), sa.literal(after[1], sa.Uuid))
        statement = statement.where(sa.tuple_(r.due_on, r.id) > at)
    return list((await session.execute(statement)).all())


async def duplicates_of(session: AsyncSession, principal: Principal, row: Any) -> list[Any]:
    """Other records that the caller may read and that look like this one: the same phone, or a
    like name (trigram similarity) in a shared state."""
    s = services.c
    alike = sa.func.similarity(s.plain_name, row.plain_name)
    same_phone = s.phone_digits.bool_op("&&")(sa.literal(row.phone_digits, s.phone_digits.type))
    same_place = s.states.bool_op("&&")(sa.literal(row.states, s.states.type))
    same_owner = s.organization_id == row.organization_id
    statement = (
        sa.select(
            s.id,
            s.document["name"].astext.label("name"),
            s.organization_id,
            s.state,
            alike.label("likeness"),
            same_phone.label("same_phone"),
            same_place.label("same_place"),
            same_owner.label("same_organization"),
        )
        .where(
            s.id != row.id,
            s.state.not_in(["merged", "withdrawn"]),
            readable(principal),
            sa.or_(
                same_phone,
                sa.and_(
                    s.plain_name.bool_op("%")(row.plain_name),
                    alike >= LIKELY,
                    sa.or_(same_place, same_owner),
                ),
            ),
        )
        .order_by(same_phone.desc(), alike.desc(), s.id)
        .limit(SUGGESTED)
    )
    return list((await session.execute(statement)).all())
