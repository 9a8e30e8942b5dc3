"""SELECTs of possible safe houses and their reviews."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.record.houses.models import SERVICE, house_looks
from directory.record.houses.schemas import Look

_UUIDS = sa.ARRAY(sa.Uuid)


async def looks_at(session: AsyncSession, kind: str, ids: Collection[UUID]) -> dict[UUID, Look]:
    h = house_looks.c
    found = await session.execute(
        sa.select(h.entity_id, h.heard, h.is_house, h.seen_words).where(
            h.kind == kind, h.entity_id == sa.any_(sa.literal(list(ids), _UUIDS))
        )
    )
    return {
        row.entity_id: Look(frozenset(row.heard), row.is_house, frozenset(row.seen_words))
        for row in found
    }


async def held_organizations(
    session: AsyncSession, organization_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return the organisations that are held or have a held service. Their place may be the place of the safe house."""
    h = house_looks.c
    among = h.organization_id == sa.any_(sa.literal(list(organization_ids), _UUIDS))
    return frozenset(await session.scalars(sa.select(h.organization_id).where(h.held, among)))


def is_held(service_id: sa.ColumnElement[UUID]) -> sa.Exists:
    """Return the condition that a service is shown without its place. The id can be a column of any statement."""
    h = house_looks.c
    return sa.exists().where(h.kind == SERVICE, h.entity_id == service_id, h.held)


async def one_look(session: AsyncSession, entity_id: UUID) -> sa.Row[Any] | None:
    found = sa.select(house_looks).where(house_looks.c.entity_id == entity_id)
    return (await session.execute(found.with_for_update())).one_or_none()


def waiting_looks(kind: str) -> sa.Subquery:
    """Return the entries of this kind that somebody must review."""
    h = house_looks.c
    return sa.select(house_looks).where(h.kind == kind, h.waiting).subquery()


async def waiting_words(session: AsyncSession, service_id: UUID) -> list[str]:
    """Return the words of a service that somebody must review, or an empty list if there are none."""
    h = house_looks.c
    found = sa.select(h.words).where(h.kind == SERVICE, h.entity_id == service_id, h.waiting)
    return list(await session.scalar(found) or ())
