"""SELECTs of pathways and their versions."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.layers import Layer
from directory.pathways.versions.models import pathway_versions, pathways

Version = sa.Row[Any]
"""One version of a pathway as stored: the columns of `_VERSION`."""

_VERSION = (
    pathway_versions.c.pathway_id,
    pathways.c.aor,
    pathways.c.area,
    *(pathway_versions.c[name] for name in (
        "number", "state", "revision", "body", "written_by", "written_at", "submitted_by",
        "submitted_at", "published_by", "published_at", "returned_because",
    )),
)  # fmt: skip


async def published_layers(session: AsyncSession, areas: Sequence[str]) -> list[Layer]:
    """Return published layers for any of `areas`, in no particular order."""
    p = pathways.c
    rows = await session.execute(
        sa.select(p.id, p.aor, p.area, p.published_number).where(
            p.published_number.is_not(None), p.area.in_(areas)
        )
    )
    return [Layer(*row) for row in rows]


async def published_bodies(
    session: AsyncSession, wanted: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], dict[str, Any]]:
    """Return the bodies of versions, by pathway and number."""
    if not wanted:
        return {}
    v = pathway_versions.c
    rows = await session.execute(
        sa.select(v.pathway_id, v.number, v.body).where(
            sa.tuple_(v.pathway_id, v.number).in_(wanted)
        )
    )
    return {(pathway_id, number): body for pathway_id, number, body in rows}


async def version(session: AsyncSession, pathway_id: UUID, number: int) -> Version | None:
    """Return one version in any state, or None."""
    return await _one(session, pathway_versions.c.number == number, pathway_id)


async def published(session: AsyncSession, pathway_id: UUID) -> Version | None:
    """Return the newest published version, or None."""
    return await _one(session, pathway_versions.c.number == pathways.c.published_number, pathway_id)


async def open_version(
    session: AsyncSession, pathway_id: UUID, *, lock: bool = False
) -> Version | None:
    """Return the unpublished version (draft, submitted or returned), or None."""
    return await _one(session, pathway_versions.c.state != "published", pathway_id, lock=lock)


async def _one(
    session: AsyncSession,
    condition: sa.ColumnElement[bool],
    pathway_id: UUID,
    *,
    lock: bool = False,
) -> Version | None:
    statement = (
        sa.select(*_VERSION)
        .join(pathways, pathways.c.id == pathway_versions.c.pathway_id)
        .where(pathway_versions.c.pathway_id == pathway_id, condition)
    )
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).first()


async def versions(
    session: AsyncSession, pathway_id: UUID, *, published_only: bool
) -> list[Version]:
    statement = (
        sa.select(*_VERSION)
        .join(pathways, pathways.c.id == pathway_versions.c.pathway_id)
        .where(pathway_versions.c.pathway_id == pathway_id)
        .order_by(pathway_versions.c.number.desc())
    )
    if published_only:
        statement = statement.where(pathway_versions.c.state == "published")
    return list(await session.execute(statement))


async def listed(
    session: AsyncSession,
    *,
    aors: Sequence[str] | None,
    areas: Sequence[str] | None,
    drafts_of: Sequence[str],
    after: tuple[str, str] | None,
    limit: int,
) -> list[Any]:
    """Return pathways in (area, AoR) order: published ones, and unpublished ones of the AoRs in `drafts_of`. Rows have
    the form of `PathwayListed`."""
    opened = (
        sa.select(
            pathway_versions.c.pathway_id, pathway_versions.c.state, pathway_versions.c.number
        )
        .where(pathway_versions.c.state != "published")
        .subquery()
    )
    mine = pathways.c.aor.in_(list(drafts_of))
    statement = (
        sa.select(
            pathways.c.id,
            pathways.c.aor,
            pathways.c.area,
            pathways.c.published_number,
            sa.case((mine, opened.c.state)).label("open_state"),
            sa.case((mine, opened.c.number)).label("open_number"),
        )
        .outerjoin(opened, opened.c.pathway_id == pathways.c.id)
        .where(sa.or_(pathways.c.published_number.is_not(None), mine))
        .order_by(pathways.c.area, pathways.c.aor)
        .limit(limit)
    )
    if aors is not None:
        statement = statement.where(pathways.c.aor.in_(list(aors)))
    if areas is not None:
        statement = statement.where(pathways.c.area.in_(list(areas)))
    if after is not None:
        statement = statement.where(
            sa.tuple_(pathways.c.area, pathways.c.aor) > sa.tuple_(*map(sa.literal, after))
        )
    return list(await session.execute(statement))


async def pathway_of(
    session: AsyncSession, pathway_id: UUID, *, lock: bool = False
) -> sa.Row[Any] | None:
    """Return the row of a pathway, or None. `lock` prevents concurrent drafting and publishing."""
    statement = sa.select(pathways).where(pathways.c.id == pathway_id)
    if lock:
        statement = statement.with_for_update()
    return (await session.execute(statement)).first()


async def next_number(session: AsyncSession, pathway_id: UUID) -> int:
    highest = await session.scalar(
        sa.select(sa.func.max(pathway_versions.c.number)).where(
            pathway_versions.c.pathway_id == pathway_id
        )
    )
    return int(highest or 0) + 1
