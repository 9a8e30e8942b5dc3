"""HTTP of what is overdue."""

from typing import Annotated

from common.auth import Principal, Role
from common.http import Session, requires, router

from referrals.referral.escalations.counting_service import overdue_in_aors
from referrals.referral.escalations.schemas import OverdueCount

overdue = router("/referrals/v1/timers/overdue", ["timers"])
Overseer = Annotated[Principal, requires("referrals:read", roles={Role.COORDINATOR})]


@overdue.get("")
async def count_overdue(session: Session, caller: Overseer) -> list[OverdueCount]:
    """For a coordinator: how many referrals of their AoRs wait past a deadline. Counts only."""
    return await overdue_in_aors(session, caller)
