"""What coverage and the gap counter follow."""

from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.gaps.observing import observe
from services_directory.gaps.projection import refresh
from services_directory.happenings import DocumentsStored, GapsMet


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    await refresh(session, happening.service_ids)


async def gaps_met(session: AsyncSession, happening: GapsMet) -> None:
    await observe(session, happening.gaps)
