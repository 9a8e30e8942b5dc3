"""HTTP of what is overdue."""

from typing import Annotated

from common import clock
from common.auth import Principal, Role
from common.web import Session, requires, router
from pydantic import BaseModel

from referrals.referrals import list_queries
from referrals.row_security import acting_as_service

overdue = router("/referrals/v1/timers/overdue", ["timers"])
Overseer = Annotated[Principal, requires("referrals:read", roles={Role.COORDINATOR})]


class OverdueCount(BaseModel):
    aor: str
    category: str
    urgency: str
    count: int


@overdue.get("")
async def count_overdue(session: Session, caller: Overseer) -> list[OverdueCount]:
    """For a coordinator: how many referrals of their AoRs wait past a deadline. Counts only."""
    async with acting_as_service(session):
        rows = await list_queries.overdue_counts(session, caller.aors, clock.now())
    return [
        OverdueCount(aor=aor, category=category, urgency=urgency, count=count)
        for aor, category, urgency, count in rows
    ]
