"""Finds the people who would now be notified of an urgent report, so that the anonymous line's page makes a truthful
promise."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.row_security import acting_as_service
from referrals.telling.channels import queries
from referrals.telling.channels.messages import Matter, due_at, turns


@dataclass(frozen=True)
class Duty:
    """Implements the line's `Watch`. `offered`: the kinds of channels that this deployment supports."""

    zone: ZoneInfo
    hand_over: timedelta
    offered: frozenset[str]

    async def told_at(
        self, session: AsyncSession, aors: Collection[str], area: str | None, now: datetime
    ) -> datetime | None:
        async with acting_as_service(session):
            listening = await queries.coordinating(session, self.offered)
            on_call = await queries.on_call(session, listening.keys(), now)
        latest = now
        for aor in aors:
            first = min(
                (
                    due_at(turn.listener, now + turn.after, self.zone, matter.telling)
                    for organisation, listeners in listening.items()
                    for matter in (
                        Matter(NoticeKind.LINE_REPORT_URGENT, organisation, aor=aor, area=area),
                    )
                    for turn in turns(
                        matter, listeners, on_call.get(organisation, ()), self.hand_over
                    )
                ),
                default=None,
            )
            if first is None:
                return None
            latest = max(latest, first)
        return latest
