"""Notifies an organisation that a webhook needs a new owner, because its owner no longer works with cases."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.happenings import CasesLost
from referrals.telling.webhooks.service import tell_of_held


async def cases_lost(session: AsyncSession, happening: CasesLost) -> None:
    await tell_of_held(session, happening.subjects)
