"""HTTP routes for overdue referrals."""

from typing import Annotated
from uuid import UUID

from common.auth import Principal, Role
from common.http import Session, requires, router

from referrals.ground.dependencies import Coordinator
from referrals.referral.escalations import late_service
from referrals.referral.escalations.schemas import LateOrganisation, NewCall, OverdueCount

overdue = router("/referrals/v1/timers/overdue", ["timers"])
Overseer = Annotated[Principal, requires("referrals:read", roles={Role.COORDINATOR})]


@overdue.get("")
async def count_overdue(session: Session, caller: Overseer) -> list[OverdueCount]:
    """Count the referrals of a coordinator's areas of responsibility that are past a deadline. Counts only."""
    return await late_service.overdue_in_aors(session, caller)


@overdue.get("/organisations")
async def list_late_organisations(session: Session, caller: Overseer) -> list[LateOrganisation]:
    """List the organisations that are late in a coordinator's areas of responsibility, with the late steps and the
    last call. It shows no referral, no place and no small number. The reading is audited."""
    return await late_service.read_late(session, caller)


@overdue.post("/organisations/{organisation_id}/calls", status_code=201)
async def note_call(
    organisation_id: UUID, body: NewCall, session: Session, caller: Coordinator
) -> LateOrganisation:
    """Record that you called the organisation. It leaves the list for as long as the urgency allows for an answer."""
    return await late_service.note_call(session, caller, organisation_id, body)
