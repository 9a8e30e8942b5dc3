"""Queries for reminders and reviews, for curators."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.db.ended_rights import suspended
from common.sight import PARTNERS
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.message_ids import digest
from directory.curation.models import (
    VERIFICATION_DUE,
    VERIFICATION_EXPIRED,
    reminder_mails,
    reminders,
)
from directory.record.houses.models import ORGANIZATION, SERVICE
from directory.record.houses.queries import waiting_looks
from directory.record.organizations.queries import mailboxes_of, named_organizations
from directory.record.records.queries import standing
from directory.tables import ENDED_RIGHTS

DOUBTED_FOR = timedelta(days=30)


async def reminders_for(
    session: AsyncSession,
    caller: Principal,
    *,
    curated: bool,
    language: str | None,
    after: tuple[date, UUID] | None,
    limit: int,
) -> list[Any]:
    """Return open reminders for the caller's organisation, or for every entry that the caller curates, most urgent
    first."""
    entries = standing(caller, curated=curated, language=language)
    r, s = reminders.c, entries.c
    statement = (
        sa.select(
            r.id,
            r.service_id,
            r.kind,
            r.due_on,
            s.name,
            s.aors,
            s.visibility,
            s.organization_id.label("organisation_id"),
        )
        .join(entries, s.id == r.service_id)
        .where(
            sa.case(
                # Once the entry is stale, only its expiry reminder is open.
                (r.kind == VERIFICATION_DUE, (r.due_on == s.valid_until) & sa.not_(s.stale)),
                (r.kind == VERIFICATION_EXPIRED, (r.due_on == s.valid_until) & s.stale),
                else_=r.created_at > clock.now() - DOUBTED_FOR,
            ),
        )
        .order_by(r.due_on, r.id)
        .limit(limit)
    )
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.Date), sa.literal(after[1], sa.Uuid))
        statement = statement.where(sa.tuple_(r.due_on, r.id) > at)
    return list((await session.execute(statement)).all())


_TO_VERIFY = reminders.c.kind.in_((VERIFICATION_DUE, VERIFICATION_EXPIRED))


async def to_write_to(session: AsyncSession, now: datetime, limit: int) -> Sequence[Any]:
    """Return unsuspended organisations that got no e-mail about their newest reminder. Columns: `organisation_id`,
    `newest`, and the state of earlier e-mails, if any were sent."""
    newest = (
        sa.select(reminders.c.organisation_id, sa.func.max(reminders.c.created_at).label("newest"))
        .where(_TO_VERIFY)
        .group_by(reminders.c.organisation_id)
        .subquery("newest")
    )
    m = reminder_mails.c
    found = (
        sa.select(newest, m.told_until, m.refused)
        .outerjoin(reminder_mails, m.organisation_id == newest.c.organisation_id)
        .where(
            sa.or_(m.told_until.is_(None), m.told_until < newest.c.newest),
            sa.or_(m.next_attempt_at.is_(None), m.next_attempt_at <= now),
            sa.not_(suspended(ENDED_RIGHTS, newest.c.organisation_id)),
        )
        .order_by(newest.c.newest)
        .limit(limit)
    )
    return (await session.execute(found)).all()


async def to_verify(session: AsyncSession, organisations: Collection[UUID]) -> Sequence[Any]:
    """Return these organisations' reminders, newest last: `organisation_id`, `service_id`, `due_on`, `created_at`."""
    r = reminders.c
    found = (
        sa.select(r.organisation_id, r.service_id, r.due_on, r.created_at)
        .where(r.organisation_id.in_(organisations), _TO_VERIFY)
        .order_by(r.created_at, r.id)
    )
    return (await session.execute(found)).all()


async def mails_to(session: AsyncSession, organisation: UUID) -> Any:
    found = sa.select(reminder_mails).where(reminder_mails.c.organisation_id == organisation)
    return (await session.execute(found.with_for_update())).one()


async def refusing(session: AsyncSession, organisations: Collection[UUID]) -> frozenset[UUID]:
    """Return which organisations have a mailbox that rejected an e-mail."""
    m = reminder_mails.c
    found = sa.select(m.organisation_id, m.refused).where(
        m.organisation_id.in_(organisations), m.refused.is_not(None)
    )
    rows = (await session.execute(found)).all()
    mailboxes = await mailboxes_of(session, [row.organisation_id for row in rows]) if rows else {}
    return frozenset(
        row.organisation_id
        for row in rows
        if (mailbox := mailboxes.get(row.organisation_id)) and digest(mailbox) == row.refused
    )


async def houses_for(
    session: AsyncSession,
    caller: Principal,
    *,
    language: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Any]:
    """Return services that the caller may read, and organisations, that await review, oldest first."""
    of_services, of_organizations = waiting_looks(SERVICE), waiting_looks(ORGANIZATION)
    services = standing(caller, curated=True, language=language)
    named = named_organizations()
    kinds = sa.union_all(
        sa.select(of_services, services.c.name, services.c.visibility).join(
            services, services.c.id == of_services.c.entity_id
        ),
        sa.select(of_organizations, named.c.name, named.c.visibility)
        .join(named, named.c.id == of_organizations.c.entity_id)
        .where(named.c.visibility <= PARTNERS),
    ).subquery("waiting")
    w, of = kinds.c, named_organizations()
    statement = (
        sa.select(
            w.entity_id.label("id"), w.kind, w.name, w.visibility, w.words, w.since,
            w.organization_id.label("organisation_id"), of.c.name.label("organisation"),
        )
        .outerjoin(of, sa.and_(of.c.id == w.organization_id, of.c.visibility <= PARTNERS))
        .order_by(w.since, w.entity_id)
    )  # fmt: skip
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.DateTime(timezone=True)), sa.literal(after[1]))
        statement = statement.where(sa.tuple_(w.since, w.entity_id) > at)
    return list((await session.execute(statement.limit(limit))).all())
