"""HTTP for endorsements: the coordination of an AoR endorses a service or withdraws the endorsement."""

from operator import itemgetter
from typing import Annotated, Any
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.errors import FORBIDDEN, NOT_FOUND
from common.http import Session, requires, router
from common.paging import CursorText, Limit, Page, id_in, keys_in, next_cursor
from common.sight import Audience, audience_of
from common.words import codelists
from fastapi import Path, Query, status

from directory.ground.entries.states import covers
from directory.pathways.definition.profile import PLACE, Aor
from directory.pathways.endorsements_queries import unendorsed
from directory.pathways.matching.eligibility import standing
from directory.pathways.planning.answers import reason_out
from directory.pathways.schemas import Endorse, EndorsementOut, SuggestedEndorsements
from directory.pathways.versions import service
from directory.pathways.versions.effective import in_force
from directory.record.documents.queries import seen, states_seen
from directory.record.endorsements import queries as endorsed
from directory.record.endorsements.service import endorse as endorse_service
from directory.record.endorsements.service import withdraw_endorsement

routes = router("/directory/v1/endorsements", ["pathways"])
Reader = Annotated[Principal, requires(scope="directory:read")]
Coordinator = Annotated[Principal, requires(scope="directory:curate", roles={Role.COORDINATOR})]


@routes.get("", response_model=Page[EndorsementOut], response_model_exclude_none=True)
async def list_endorsements(
    *,
    caller: Reader,
    session: Session,
    aor: Aor | None = None,
    service_id: UUID | None = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Endorsements of the services that you may see."""
    found = await endorsed.listed(
        session,
        seen(audience_of(caller)),
        aor=aor,
        service_id=service_id,
        after=keys_in(cursor, id_in, lambda aor: codelists.pathways()[aor].code),
        limit=limit + 1,
    )
    return {
        "items": found[:limit],
        "next_cursor": next_cursor(found, limit, itemgetter("service_id", "aor")),
    }


@routes.post("", status_code=status.HTTP_201_CREATED, response_model=EndorsementOut)
async def endorse(caller: Coordinator, session: Session, body: Endorse) -> dict[str, Any]:
    """Endorses a service for an area of responsibility that you coordinate. Repeating it changes nothing."""
    _check(caller, body.aor)
    await _check_place(session, caller, body.service_id)
    await endorse_service(session, caller, body.service_id, body.aor)
    return {"service_id": body.service_id, "aor": body.aor}


@routes.delete("/{service_id}/{aor}", status_code=status.HTTP_204_NO_CONTENT)
async def withdraw(
    caller: Coordinator,
    session: Session,
    service_id: Annotated[UUID, Path()],
    aor: Annotated[Aor, Path()],
) -> None:
    """Withdraws the endorsement. A service without any endorsement cannot receive referrals."""
    _check(caller, aor)
    await _check_place(session, caller, service_id)
    if not await withdraw_endorsement(session, caller, service_id, aor):
        raise NOT_FOUND.because("this_aor_does_not_endorse_service")


@routes.get("/suggestions", response_model=SuggestedEndorsements, response_model_exclude_none=True)
async def suggestions(
    caller: Coordinator,
    session: Session,
    aor: Aor,
    area: Annotated[str, Query(pattern=PLACE)],
) -> dict[str, Any]:
    """At most 100 services that would fill a gap of this AoR's pathway in the area if its coordination endorsed them."""
    service.check_area(area)
    _check(caller, aor)
    return await _suggested(session, audience_of(caller), aor, area)


async def _suggested(session: Session, audience: Audience, aor: str, area: str) -> dict[str, Any]:
    """Return unendorsed services for needs that no referable service in the area meets. `also_needed` lists other
    obstacles (a stale entry, a suspended service)."""
    pathway = (await in_force(session, area))[aor].pathway
    needs = sorted({step.need for step in pathway.steps})
    today = clock.today()
    return {
        "aor": aor,
        "items": [
            {
                "service_id": row["service_id"],
                "name": row["name"],
                "organisation": row["organization_name"],
                "need": row["need"],
                "areas": row["areas"],
                "also_needed": [
                    reason_out(reason)
                    for reason in standing(
                        row["functional_status"], row["capacity_state"], row["valid_until"], today
                    )
                ],
            }
            for row in await unendorsed(session, audience, needs, area)
        ],
    }


async def _check_place(session: Session, caller: Principal, service_id: UUID) -> None:
    """Raise 404 unless the caller can see the service, and 403 if it is outside the caller's areas. Approval uses the
    same rule."""
    states = await states_seen(session, audience_of(caller), service_id)
    if states is None:
        raise NOT_FOUND.because("no_service_has_this_id")
    if not covers(caller, states):
        raise FORBIDDEN.because("service_is_outside_your_areas")


def _check(caller: Principal, aor: str) -> None:
    if not caller.coordinates(aor):
        raise FORBIDDEN.because("only_coordinator_endorses_for_this_aor", aor)
