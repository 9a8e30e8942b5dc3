"""Keeps the announced alternatives of published pathways true while services come and go."""

import sqlalchemy as sa
from common.http import BackgroundTask, ServiceContext

from directory.pathways.publishing import announce
from directory.pathways.versions.models import pathways

EVERY_SECONDS = 300.0


def tasks(context: ServiceContext) -> list[BackgroundTask]:
    """The background task of published pathways."""

    async def look() -> None:
        await announce_changed(context)

    return [BackgroundTask.repeated("pathway-alternatives", look, EVERY_SECONDS)]


async def announce_changed(context: ServiceContext) -> int:
    """Announce each published pathway whose alternatives changed; one transaction for each."""
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
