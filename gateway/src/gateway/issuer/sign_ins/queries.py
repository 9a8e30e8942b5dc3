"""Queries for a person's active and recent sign-ins, and for unused refresh tokens."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.sign_ins.models import refresh_tokens, sign_ins

LONGEST_SIGN_IN = timedelta(hours=12)
# The period for which a person can see their past sign-ins.
KEPT = timedelta(days=30)
_SHOWN = 20


def lives() -> sa.ColumnElement[bool]:
    """Return the condition that a sign-in has not ended and is not too old."""
    return sa.and_(
        sign_ins.c.ended_at.is_(None), sign_ins.c.signed_in_at > clock.now() - LONGEST_SIGN_IN
    )


async def living_of_person(session: AsyncSession, person_id: UUID) -> Sequence[sa.RowMapping]:
    """Return the person's active sign-ins, newest first. Lock them, so that no sign-in gets a token while it is being
    ended."""
    statement = (
        sa.select(sign_ins.c.id, sign_ins.c.client_id, sign_ins.c.signed_in_at)
        .where(sign_ins.c.person_id == person_id, lives())
        .order_by(sign_ins.c.signed_in_at.desc(), sign_ins.c.id)
    )
    return (await session.execute(statement.with_for_update())).mappings().all()


async def recent_of_person(session: AsyncSession, person_id: UUID) -> Sequence[sa.RowMapping]:
    """Return the time, application and factor of the last sign-ins, newest first."""
    statement = (
        sa.select(sign_ins.c.client_id, sign_ins.c.signed_in_at, sign_ins.c.factor)
        .where(sign_ins.c.person_id == person_id)
        .order_by(sign_ins.c.signed_in_at.desc())
    )
    return (await session.execute(statement.limit(_SHOWN))).mappings().all()


async def page(
    session: AsyncSession,
    person_id: UUID | None,
    active: bool | None,
    before: UUID | None,
    limit: int,
) -> Sequence[sa.RowMapping]:
    """Return sign-ins of one person or of everybody, newest first. If there are further sign-ins, return one more than
    `limit`."""
    statement = sa.select(
        sign_ins.c.id,
        sign_ins.c.person_id,
        sign_ins.c.client_id,
        sign_ins.c.signed_in_at,
        sign_ins.c.factor,
        lives().label("active"),
    )
    if person_id is not None:
        statement = statement.where(sign_ins.c.person_id == person_id)
    if active is not None:
        statement = statement.where(lives() if active else sa.not_(lives()))
    if before is not None:
        statement = statement.where(sign_ins.c.id < before)
    rows = await session.execute(statement.order_by(sign_ins.c.id.desc()).limit(limit + 1))
    return rows.mappings().all()


async def never_used(session: AsyncSession, token_hash: bytes) -> bool:
    """Return whether this refresh token exists, is still valid, and has never been used."""
    waiting = sa.exists().where(
        refresh_tokens.c.token_hash == token_hash,
        refresh_tokens.c.used_at.is_(None),
        refresh_tokens.c.expires_at > clock.now(),
    )
    return bool(await session.scalar(sa.select(waiting)))
