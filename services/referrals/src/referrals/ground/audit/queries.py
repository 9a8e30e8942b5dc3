"""Audit queries: entries, reads of a disclosure, actions in a case."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.audit.models import AuditEntry, AuditHead, Restore

_ENTRIES = AuditEntry.metadata.tables["audit_entries"]
# Columns that other modules may use in entry conditions.
DOER, OF_ORGANISATION = _ENTRIES.c.client, _ENTRIES.c.organisation_id
CHAIN, TARGET_TYPE, TARGET_ID = _ENTRIES.c.chain, _ENTRIES.c.target_type, _ENTRIES.c.target_id


@dataclass(frozen=True)
class Only:
    """Entries of one organisation that satisfy a condition."""

    organisation: UUID
    which: sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters for a list of entries; None means no filter. `since` is inclusive, `until` exclusive."""

    target_id: UUID | None = None
    action: str | None = None
    organisation_id: UUID | None = None
    doer: str | None = None
    case_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def names(self) -> Iterator[str]:
        """Yield the names of the filters, without their values."""
        for field in fields(self):
            if getattr(self, field.name) is not None:
                yield field.name

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        for column, value in (
            (AuditEntry.target_id, self.target_id),
            (AuditEntry.action, self.action),
            (AuditEntry.organisation_id, self.organisation_id),
            (AuditEntry.client, self.doer),
            (AuditEntry.chain, self.case_id),
        ):
            if value is not None:
                yield col(column) == value
        if self.since is not None:
            yield col(AuditEntry.at) >= self.since
        if self.until is not None:
            yield col(AuditEntry.at) < self.until


async def page(
    session: AsyncSession, *, only: Only | None, wanted: Wanted, before: UUID | None, limit: int
) -> Sequence[AuditEntry]:
    """Return entries newest first, up to `limit` + 1."""
    statement = sa.select(AuditEntry)
    if only is not None:
        statement = statement.where(
            col(AuditEntry.organisation_id) == only.organisation, only.which
        )
    statement = statement.where(*wanted.conditions())
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    newest = statement.order_by(col(AuditEntry.id).desc()).limit(limit + 1)
    return (await session.scalars(newest)).all()


def chains_meant(meant: Callable[[Any], sa.ColumnElement[bool]]) -> sa.Select[Any]:
    return sa.select(col(AuditHead.chain)).where(meant(col(AuditHead.chain)))


async def did_anything(session: AsyncSession, doer: str) -> bool:
    """Return whether the record contains any action of this client."""
    done = sa.exists().where(col(AuditEntry.client) == doer)
    return bool(await session.scalar(sa.select(done)))


def was_read(
    target: sa.ColumnElement[UUID], action: str, organisation: sa.ColumnElement[UUID] | None = None
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the audit records a read of the target by anybody, or by anybody in the
    organisation. Requires service rights."""
    which = [target == TARGET_ID, _ENTRIES.c.action == action]
    if organisation is not None:
        which.append(organisation == OF_ORGANISATION)
    return sa.select(sa.literal(1)).where(*which).exists()


async def last_acts(
    session: AsyncSession, target_ids: Collection[UUID], who: sa.ColumnElement[bool]
) -> dict[tuple[UUID, UUID], datetime]:
    """Return when a client that satisfies `who` last acted, by target and organisation. Requires service rights."""
    if not target_ids:
        return {}
    rows = await session.execute(
        sa.select(TARGET_ID, OF_ORGANISATION, sa.func.max(_ENTRIES.c.at))
        .where(
            TARGET_ID.in_(target_ids),
            OF_ORGANISATION.is_not(None),
            who,
        )
        .group_by(TARGET_ID, OF_ORGANISATION)
    )
    return {(target, organisation): at for target, organisation, at in rows}


async def disclosure_reads(
    session: AsyncSession, referral_ids: Sequence[UUID]
) -> Sequence[AuditEntry]:
    """Return the reads of these referrals' snapshots."""
    rows = await session.scalars(
        sa.select(AuditEntry)
        .where(
            col(AuditEntry.target_id).in_(referral_ids), col(AuditEntry.action) == "disclosure.read"
        )
        .order_by(col(AuditEntry.at))
    )
    return rows.all()


async def case_reads(session: AsyncSession, case_id: UUID) -> Sequence[AuditEntry]:
    """Return every read of a case, by any route, oldest first."""
    rows = await session.scalars(
        sa.select(AuditEntry)
        .where(col(AuditEntry.chain) == case_id, col(AuditEntry.action).like("%.read"))
        .order_by(col(AuditEntry.sequence))
    )
    return rows.all()


async def restores_since(session: AsyncSession, moment: datetime) -> Sequence[Restore]:
    """Return backup restores since this time, oldest first. Each one left a period without recorded reads."""
    rows = await session.scalars(
        sa.select(Restore).where(col(Restore.at) > moment).order_by(col(Restore.at))
    )
    return rows.all()


async def count_done(
    session: AsyncSession, organisation: UUID, action: str, since: datetime
) -> int:
    """Count how often an organisation performed this action since the given time, whatever the outcome."""
    counted = (
        sa.select(sa.func.count())
        .select_from(AuditEntry)
        .where(
            col(AuditEntry.organisation_id) == organisation,
            col(AuditEntry.at) > since,
            col(AuditEntry.action) == action,
        )
    )
    return await session.scalar(counted) or 0


async def acts_in(
    session: AsyncSession, chain: UUID, organisation: UUID, after: int | None, limit: int
) -> Sequence[AuditEntry]:
    """Return an organisation's actions in a case, oldest first, without its reads, up to `limit` + 1."""
    statement = _acts(chain, organisation).order_by(col(AuditEntry.sequence)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(AuditEntry.sequence) > after)
    return (await session.scalars(statement)).all()


async def latest_acts(
    session: AsyncSession, chain: UUID, organisation: UUID, limit: int
) -> Sequence[AuditEntry]:
    """Return the latest of these actions, oldest first."""
    newest = _acts(chain, organisation).order_by(col(AuditEntry.sequence).desc()).limit(limit)
    return (await session.scalars(newest)).all()[::-1]


def _acts(chain: UUID, organisation: UUID) -> sa.Select[AuditEntry]:
    return sa.select(AuditEntry).where(
        col(AuditEntry.chain) == chain,
        col(AuditEntry.organisation_id) == organisation,
        sa.not_(col(AuditEntry.action).like("%read")),
    )
