"""What ends a reminder."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.models import CAPACITY_DOUBTED, reminders
from services_directory.happenings import CapacityTold


async def capacity_told(session: AsyncSession, happening: CapacityTold) -> None:
    """Whoever asked how full the service is has an answer."""
    r = reminders.c
    await session.execute(
        sa.delete(reminders).where(r.service_id == happening.service_id, r.kind == CAPACITY_DOUBTED)
    )
