"""Writes the record of changes to identities. It is append-only and contains no secrets."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.models import changes
from gateway.issuer.changes.news import is_news


async def record(
    session: AsyncSession, by: Principal, what: str, kind: str, target: object
) -> None:
    await session.execute(
        sa.insert(changes).values(
            id=new_id(),
            at=clock.now(),
            by_client=by.client_id,
            by_subject=by.subject,
            what=what,
            kind=kind,
            target=str(target),
            news=is_news(kind, what),
        )
    )


async def mark_read(session: AsyncSession, ids: Collection[UUID]) -> None:
    read = sa.update(changes).where(changes.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid))))
    await session.execute(read.values(read_at=clock.now()))


async def mark_told(session: AsyncSession, ids: Collection[UUID]) -> None:
    told = sa.update(changes).where(changes.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid))))
    await session.execute(told.values(told_at=clock.now()))


async def tell_all_anew(session: AsyncSession) -> None:
    """Mark all changes as unlisted, because the list is gone and must be rewritten from the first change."""
    await session.execute(
        sa.update(changes).where(changes.c.told_at.is_not(None)).values(told_at=None)
    )


async def put_back(session: AsyncSession, forgotten: Sequence[Mapping[str, Any]]) -> None:
    """Restore changes that are in the list but were lost from the record."""
    now = clock.now()
    await session.execute(
        sa.insert(changes),
        [
            {**each, "told_at": now, "news": is_news(each["kind"], each["what"])}
            for each in forgotten
        ],
    )
