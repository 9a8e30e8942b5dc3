"""What coverage and the gap counter follow."""

from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.happenings import DocumentsStored, GapsMet
from directory.pathways.gaps.observing import observe
from directory.pathways.gaps.projection import refresh


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    await refresh(session, happening.service_ids)


async def gaps_met(session: AsyncSession, happening: GapsMet) -> None:
    await observe(session, happening.gaps)
