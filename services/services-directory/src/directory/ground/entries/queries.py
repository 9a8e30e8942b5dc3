"""SELECTs of field-level history."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.sight import LEVELS, NAMES, PUBLIC
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.models import history


async def history_of(
    session: AsyncSession, entity_id: UUID, after: tuple[int, UUID] | None, limit: int
) -> list[Any]:
    """Return changes, newest first."""
    h = history.c
    statement = (
        sa.select(history)
        .where(h.entity_id == entity_id)
        .order_by(h.version.desc(), h.id.desc())
        .limit(limit)
    )
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.BigInteger), sa.literal(after[1], sa.Uuid))
        statement = statement.where(sa.tuple_(h.version, h.id) < at)
    return list((await session.execute(statement)).all())


STATE = ("/state",)
STATUS = ("", "/functional_status", "/functional_status/code")
"""The pointers at which history records whether a service works."""
ENDORSED = "/endorsed_by"
_STEPS = ("", "/state", "/reason", ENDORSED)
"""The pointers that entering an entry and its later steps write."""


async def changed_by_hand(
    session: AsyncSession, kind: str, entity_ids: Collection[UUID], *, or_entered: bool = False
) -> set[UUID]:
    """Return the entries that a person changed here. With `or_entered`, also return those that a person entered."""
    h = history.c
    found = await session.scalars(
        sa.select(h.entity_id)
        .where(
            h.kind == kind,
            h.entity_id == sa.any_(sa.literal(list(entity_ids), sa.ARRAY(sa.Uuid))),
            h.source.is_(None),
            h.pointer.not_in(_STEPS[1:] if or_entered else _STEPS),
        )
        .distinct()
    )
    return set(found)


async def levels_set_by_hand(
    session: AsyncSession, kind: str, entity_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Return the level that a person last set here for each entry, including when creating it. Levels from files do not
    count."""
    h = history.c
    level = sa.case((h.pointer == "", h.new["visibility"].astext), else_=h.new[()].astext)
    newest = (
        sa.select(h.entity_id, level)
        .ext(distinct_on(h.entity_id))
        .where(
            h.kind == kind,
            h.entity_id == sa.any_(sa.literal(list(entity_ids), sa.ARRAY(sa.Uuid))),
            h.pointer.in_(("", "/visibility")),
            h.source.is_(None),
        )
        .order_by(h.entity_id, h.version.desc(), h.id.desc())
    )
    return {key: LEVELS[name or NAMES[PUBLIC]] for key, name in await session.execute(newest)}


async def said_by_hand(
    session: AsyncSession, kind: str, entity_ids: Collection[UUID], pointers: Collection[str]
) -> set[UUID]:
    """Return the entries whose latest change at these pointers came from a person here, not from a file."""
    h = history.c
    newest = (
        sa.select(h.entity_id, h.source)
        .ext(distinct_on(h.entity_id))
        .where(
            h.kind == kind,
            h.entity_id == sa.any_(sa.literal(list(entity_ids), sa.ARRAY(sa.Uuid))),
            h.pointer.in_(pointers),
        )
        .order_by(h.entity_id, h.version.desc(), h.id.desc())
    )
    return {key for key, source in await session.execute(newest) if source is None}


async def endorsements_taken_back(session: AsyncSession, entity_id: UUID) -> set[str]:
    """Return the areas of responsibility whose coordinator withdrew an endorsement of the entry."""
    h = history.c
    found = await session.scalars(
        sa.select(h.old).where(h.entity_id == entity_id, h.pointer == ENDORSED)
    )
    return {aor for aors in found for aor in aors}
