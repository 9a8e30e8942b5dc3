"""Announces published pathways and the services of each step to the other services, and announces them again when they
change.

Referrals stores the alternatives. After a declined or expired referral, it can then suggest the step's next service
without a request to the directory. The alternatives never include confidential services.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.events.directory import PathwayPublished, PathwayStep
from common.http import BackgroundTask, ServiceContext
from common.messaging import outbox
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.planning.alternatives import (
    EVERY_ORGANISATION,
    alternatives,
    course_for_nobody,
)
from directory.pathways.versions import queries
from directory.pathways.versions.effective import in_force
from directory.pathways.versions.models import pathways
from directory.tables import COMMON

ALTERNATIVES = 20
EVERY_SECONDS = 300.0


async def announce(session: AsyncSession, pathway_id: UUID) -> bool:
    """Append the event. Return False if nothing changed since the last event."""
    row = await queries.pathway_of(session, pathway_id, lock=True)
    if row is None or row.published_number is None:
        return False
    pathway = (await in_force(session, row.area))[row.aor].pathway
    course = course_for_nobody(pathway, row.area)
    best = await alternatives(
        session, EVERY_ORGANISATION, course, row.aor, row.area, limit=ALTERNATIVES
    )
    services = {
        need: tuple(UUID(each.candidate.service_id) for each in ranked)
        for need, ranked in best.items()
    }
    steps = [
        PathwayStep(step=step.key, need=step.need, alternatives=services.get(step.need, ()))
        for step in pathway.steps
    ]
    told: dict[str, Any] = {
        "number": row.published_number,
        "steps": [step.model_dump(mode="json") for step in steps],
    }
    if told == row.announced:
        return False
    version = row.event_version + 1
    await session.execute(
        sa.update(pathways)
        .where(pathways.c.id == pathway_id)
        .values(event_version=version, announced=told)
    )
    event = PathwayPublished(
        pathway_id=pathway_id, version=version, aor=row.aor, area=row.area, steps=tuple(steps)
    )
    await outbox.append(session, COMMON, event)
    return True


def tasks(context: ServiceContext) -> list[BackgroundTask]:
    """Return the background task that announces published pathways."""

    async def look() -> None:
        await announce_changed(context)

    return [BackgroundTask.repeated("pathway-alternatives", look, EVERY_SECONDS)]


async def announce_changed(context: ServiceContext) -> int:
    """Announce each published pathway whose alternatives changed, each in its own transaction."""
    async with context.database.transaction() as session:
        known = (
            await session.scalars(
                sa.select(pathways.c.id)
                .where(pathways.c.published_number.is_not(None))
                .order_by(pathways.c.id)
            )
        ).all()
    told = 0
    for pathway_id in known:
        async with context.database.transaction() as session:
            told += await announce(session, pathway_id)
    return told
