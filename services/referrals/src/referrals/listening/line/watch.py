"""When the people at a desk are notified of an urgent report. `telling` implements this."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class Watch(Protocol):
    async def told_at(
        self, session: AsyncSession, aors: Collection[str], area: str | None, now: datetime
    ) -> datetime | None:
        """Return when all of these desks have been notified of a report that arrives now; None if one desk has nobody
        to notify."""
