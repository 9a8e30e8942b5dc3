"""SELECTs of external ids. `source` is the space of a publisher: `<organisation>:<name>`."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.identities.models import external_ids

_TEXTS = sa.ARRAY(sa.Text)


class Known(NamedTuple):
    source: str
    external_id: str
    entity_id: UUID


async def by_external_id(
    session: AsyncSession, kind: str, source: str, external_id: str
) -> UUID | None:
    found: UUID | None = await session.scalar(
        sa.select(external_ids.c.entity_id).filter_by(
            kind=kind, source=source, external_id=external_id
        )
    )
    return found


async def by_external_ids(
    session: AsyncSession, kind: str, source: str, ids: Sequence[str]
) -> dict[str, UUID | None]:
    """Return the entry for each of these external ids."""
    found = await session.execute(
        sa.select(external_ids.c.external_id, external_ids.c.entity_id)
        .filter_by(kind=kind, source=source)
        .where(external_ids.c.external_id == sa.any_(sa.literal(list(ids), _TEXTS)))
    )
    return dict.fromkeys(ids) | {row.external_id: row.entity_id for row in found}


async def in_any_space(
    session: AsyncSession, kind: str, organisation: UUID, ids: Collection[str]
) -> list[Known]:
    """Return the entries with these ids in every space of one organisation."""
    e = external_ids.c
    found = await session.execute(
        sa.select(e.source, e.external_id, e.entity_id).where(
            e.external_id == sa.any_(sa.literal(list(ids), _TEXTS)),
            e.kind == kind,
            e.source.startswith(f"{organisation}:", autoescape=True),
        )
    )
    return [Known(*row) for row in found]


async def is_used(session: AsyncSession, source: str) -> bool:
    """Return whether this space has any entries."""
    kinds = ("organization", "service")
    one = sa.select(sa.literal(1)).select_from(external_ids)
    return bool(
        await session.scalar(
            one.where(external_ids.c.kind.in_(kinds), external_ids.c.source == source).limit(1)
        )
    )


async def all_of(session: AsyncSession, kind: str, source: str) -> dict[UUID, list[str]]:
    """Return every entry of this space, with its external ids there."""
    e = external_ids.c
    found = await session.execute(
        sa.select(e.entity_id, e.external_id)
        .where(e.kind == kind, e.source == source)
        .order_by(e.external_id)
    )
    known: dict[UUID, list[str]] = {}
    for row in found:
        known.setdefault(row.entity_id, []).append(row.external_id)
    return known


async def registered(
    session: AsyncSession, kind: str, source: str, ids: Sequence[UUID]
) -> set[UUID]:
    """Return the given ids that came from this space before."""
    found = await by_external_ids(session, kind, source, [str(each) for each in ids])
    return {UUID(key) for key, entity in found.items() if entity is not None}
