"""When somebody at a desk is told of a report that says somebody is in danger now. The messages know: `telling`."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class Watch(Protocol):
    async def told_at(
        self, session: AsyncSession, aors: Collection[str], area: str | None, now: datetime
    ) -> datetime | None:
        """The moment by which each of these desks has been told of a report that comes now; None: one of them has nobody
        who is told."""
