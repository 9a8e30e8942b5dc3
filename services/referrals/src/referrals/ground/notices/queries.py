"""Reads notices in transaction order. Rows become visible at commit, so a plain `id > last` would lose rows. The feed
stops before the oldest open transaction, so no later row can appear behind a cursor."""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.models import Notice

_NOTICES = Notice.metadata.tables["notices"]
# Columns that other modules may use in notice conditions.
SUBJECT_TYPE, SUBJECT_ID = _NOTICES.c.subject_type, _NOTICES.c.subject_id
KIND, AT = _NOTICES.c.kind, _NOTICES.c.at
_UNTOLD = col(Notice.fanned_out_at).is_(None)
_COLUMNS = ("id", "kind", "subject_type", "subject_id", "version", "for_supervisor", "at")
_AFTER = sa.text(
    "(notices.position, notices.id) > (CAST(:position AS text)::xid8, CAST(:after AS uuid))"
    " AND (notices.position < pg_snapshot_xmin(pg_current_snapshot())"
    " OR notices.position = pg_current_xact_id_if_assigned())"
).bindparams(sa.bindparam("position", type_=sa.Text), sa.bindparam("after", type_=sa.Uuid))


async def page(
    session: AsyncSession,
    organisation: UUID,
    position: str,
    after: UUID,
    limit: int,
    which: sa.ColumnElement[bool],
) -> Sequence[Any]:
    """Return up to `limit` + 1 notices after (position, id); `which` is a condition on the subject."""
    rows = await session.execute(
        sa.select(
            *(_NOTICES.c[name] for name in _COLUMNS),
            sa.cast(_NOTICES.c.position, sa.Text).label("position"),
        )
        .where(_NOTICES.c.organisation_id == organisation, _AFTER, which)
        .order_by(_NOTICES.c.position, _NOTICES.c.id)
        .limit(limit + 1),
        {"position": position, "after": after},
    )
    return rows.all()


def any_untold() -> sa.Exists:
    """Return the SQL condition that a notice is waiting to be forwarded. Requires service rights."""
    return sa.exists().where(_UNTOLD)


async def untold(session: AsyncSession, limit: int) -> Sequence[Any]:
    """Return the notices to forward (id, organisation_id, kind, subject, for_supervisor), locked. Requires service
    rights."""
    rows = await session.execute(
        sa.select(
            col(Notice.id),
            col(Notice.organisation_id),
            col(Notice.kind),
            col(Notice.subject_type),
            col(Notice.subject_id),
            col(Notice.for_supervisor),
        )
        .where(_UNTOLD)
        .order_by(col(Notice.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.all()


async def by_ids(session: AsyncSession, notice_ids: Collection[UUID]) -> dict[UUID, Notice]:
    """Return notices by id. Requires service rights."""
    rows = await session.scalars(sa.select(Notice).where(col(Notice.id).in_(notice_ids)))
    return {notice.id: notice for notice in rows}


Holds = Callable[[sa.ColumnElement[UUID]], sa.ColumnElement[bool]]


def is_of(notice: sa.ColumnExpressionArgument[UUID], kind: NoticeKind) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the notice with this id is of this kind."""
    return sa.select(sa.literal(1)).where(_NOTICES.c.id == notice, _NOTICES.c.kind == kind).exists()


def some_about(
    subject: sa.ColumnElement[UUID],
    organisation: sa.ColumnElement[UUID],
    kinds: Collection[NoticeKind],
    holds: Holds,
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a notice of these kinds to the organisation satisfies `holds`, which receives the
    notice id."""
    to_it = _NOTICES.c.organisation_id == organisation
    return _some(subject, kinds, sa.and_(to_it, holds(_NOTICES.c.id)))


def any_about(
    subject: sa.ColumnElement[UUID], kind: NoticeKind, holds: Holds
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that is true if any organisation has such a notice."""
    return _some(subject, [kind], holds(_NOTICES.c.id))


def _some(
    subject: sa.ColumnElement[UUID], kinds: Collection[NoticeKind], which: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    about = (_NOTICES.c.subject_id == subject, _NOTICES.c.kind.in_(sorted(kinds)))
    return sa.select(sa.literal(1)).where(*about, which).exists()


async def of_which(
    session: AsyncSession, notice_ids: Collection[UUID], which: sa.ColumnElement[bool]
) -> frozenset[UUID]:
    """Return the ids that satisfy `which`. Requires service rights."""
    statement = sa.select(_NOTICES.c.id).where(_NOTICES.c.id.in_(notice_ids), which)
    return frozenset(await session.scalars(statement))
