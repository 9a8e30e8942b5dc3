"""Queries for changes."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.models import changes
from gateway.issuer.changes.news import NOT_ASKED_FOR


async def page(
    session: AsyncSession, before: str | None, limit: int, target: str | None = None
) -> Sequence[sa.RowMapping]:
    """Return changes, newest first. If there are further changes, return one more than `limit`."""
    key = sa.cast(changes.c.id, sa.Text)
    statement = sa.select(changes).order_by(key.desc()).limit(limit + 1)
    if target is not None:
        statement = statement.where(changes.c.target == target)
    if before is not None:
        statement = statement.where(key < before)
    return (await session.execute(statement)).mappings().all()


async def newest(session: AsyncSession) -> str:
    """Return the id of the last change. It differs after any change."""
    found = sa.select(changes.c.id).order_by(changes.c.id.desc()).limit(1)
    return str(await session.scalar(found) or "")


async def unread(session: AsyncSession, person_id: UUID) -> Sequence[sa.RowMapping]:
    """Return the changes that the person has not confirmed yet, newest first."""
    news = sa.select(changes).where(_of_person(str(person_id)), _UNREAD)
    return (await session.execute(news.order_by(changes.c.id.desc()))).mappings().all()


async def last_of_each(
    session: AsyncSession, person_id: UUID, organisation_id: UUID
) -> Sequence[sa.RowMapping]:
    """Return the last change of each kind for a person and their organisation, newest first."""
    of_organisation = sa.and_(
        changes.c.kind == "organisation", changes.c.target == str(organisation_id)
    )
    last = (
        sa.select(changes)
        .ext(distinct_on(changes.c.kind, changes.c.what))
        .where(sa.or_(_of_person(str(person_id)), of_organisation))
        .order_by(changes.c.kind, changes.c.what, changes.c.id.desc())
        .subquery()
    )
    statement = sa.select(last).order_by(last.c.id.desc())
    return (await session.execute(statement)).mappings().all()


def unread_since(person_id: sa.ColumnElement[Any]) -> sa.Label[Any]:
    """Select `unread_since` of the person in this column: the time of their oldest unconfirmed change."""
    first = sa.select(sa.func.min(changes.c.at)).where(
        _of_person(sa.cast(person_id, sa.Text)), _UNREAD
    )
    return first.scalar_subquery().label("unread_since")


def not_asked_for_at(person_id: sa.ColumnElement[Any]) -> sa.Label[Any]:
    """Select `not_asked_for_at` of the person in this column: the last time when they reported that they did not make a
    change."""
    last = sa.select(sa.func.max(changes.c.at)).where(
        _of_person(sa.cast(person_id, sa.Text)), changes.c.what == NOT_ASKED_FOR
    )
    return last.scalar_subquery().label("not_asked_for_at")


_UNREAD = sa.and_(changes.c.news, changes.c.read_at.is_(None))


def _of_person(target: Any) -> sa.ColumnElement[bool]:
    return sa.and_(changes.c.kind == "person", changes.c.target == target)


async def untold(session: AsyncSession, limit: int) -> Sequence[sa.RowMapping]:
    """Return changes that are not in the list yet, oldest first."""
    statement = sa.select(changes).where(changes.c.told_at.is_(None)).order_by(changes.c.id)
    return (await session.execute(statement.limit(limit))).mappings().all()


async def count_untold(session: AsyncSession) -> int:
    statement = sa.select(sa.func.count()).where(changes.c.told_at.is_(None))
    return await session.scalar(statement) or 0


async def unknown(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return the ids that are not in the record."""
    listed = sa.select(changes.c.id).where(
        changes.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
    )
    return {*ids} - set(await session.scalars(listed))
