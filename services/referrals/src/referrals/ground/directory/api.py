"""HTTP routes for the team that works a directory service's queue."""

from uuid import UUID

import sqlalchemy as sa
from common.errors import NOT_FOUND
from common.http import Session, router
from pydantic import BaseModel
from sqlmodel import col

from referrals.ground.audit.service import record
from referrals.ground.dependencies import CaseReader, Supervisor
from referrals.ground.directory import service
from referrals.ground.directory.models import TeamMember
from referrals.ground.directory.queries import owns_service
from referrals.ground.directory.schemas import TeamMembers

teams = router("/referrals/v1/services", ["teams"])


class Team(BaseModel):
    service_id: UUID
    clients: list[str]


@teams.get("/{service_id}/team")
async def read_team(service_id: UUID, session: Session, caller: CaseReader) -> Team:
    """List the members of this queue; if it has none, your whole organisation works it."""
    await _own(session, caller, service_id)
    rows = await session.scalars(
        sa.select(col(TeamMember.client))
        .where(
            col(TeamMember.service_id) == service_id,
            col(TeamMember.organisation_id) == caller.organisation,
        )
        .order_by(col(TeamMember.client))
    )
    return Team(service_id=service_id, clients=list(rows))


@teams.put("/{service_id}/team")
async def set_team(
    service_id: UUID, body: TeamMembers, session: Session, caller: Supervisor
) -> Team:
    """Limit the queue of this service to these clients and supervisors from now on."""
    await _own(session, caller, service_id)
    clients = sorted(set(body.clients))
    await service.set_team(session, caller.organisation, service_id, clients)
    await record(
        session,
        caller,
        "service_team.set",
        chain=caller.organisation,
        target_type="service",
        target_id=service_id,
        detail={"size": len(clients)},
    )
    return Team(service_id=service_id, clients=clients)


async def _own(session: Session, caller: CaseReader, service_id: UUID) -> None:
    if not await owns_service(session, caller, service_id):
        raise NOT_FOUND.because("your_organisation_has_no_such_service")
