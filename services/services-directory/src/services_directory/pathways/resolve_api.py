"""HTTP for resolve: questions sent by POST so that no profile stands in a URL or a log."""

from typing import Annotated, Any

import orjson
from common.auth import Principal
from common.web import Session, UnitOfWorkRoute, open_to_all
from fastapi import APIRouter, Response
from starlette.requests import Request

from services_directory.gaps.observing import observe
from services_directory.pathways.answers import resolution
from services_directory.pathways.plans import Plan, gaps_of
from services_directory.pathways.profile import Profile, group_of
from services_directory.pathways.resolving import (
    Caller,
    check_profile,
    log_restricted,
    plan,
)
from services_directory.pathways.schemas import Batch, BatchResolution, Resolution


class QuestionRoute(UnitOfWorkRoute):
    """A question leaves no trace: its answer is never stored under an Idempotency-Key."""

    @staticmethod
    async def _keyed(request: Request, principal: Principal) -> None:
        return None


routes = APIRouter(prefix="/directory/v1/pathways", tags=["pathways"], route_class=QuestionRoute)
Reader = Annotated[Principal, open_to_all()]


@routes.post("/resolve", response_model=Resolution)
async def resolve_profile(
    caller: Reader, session: Session, request: Request, body: Profile
) -> Response:
    """Who can help this person, in which order, and where nobody can.

    The profile holds no identity. Nothing of it is kept; where a verified organisation meets a
    gap, one anonymous counter (area, need, group, week) rises by one.
    """
    check_profile(body)
    found = await plan(session, Caller.of(caller), body)
    await _after(session, caller, request, [found])
    return _json(resolution(found))


@routes.post("/resolve/batch", response_model=BatchResolution)
async def resolve_batch(
    caller: Reader, session: Session, request: Request, body: Batch
) -> Response:
    """The same for up to a hundred profiles, answered in their order."""
    for at, profile in enumerate(body.profiles):
        check_profile(profile, f"/profiles/{at}")
    asking = Caller.of(caller)
    found = [await plan(session, asking, profile) for profile in body.profiles]
    await _after(session, caller, request, found)
    return _json({"items": [resolution(each) for each in found]})


async def _after(session: Session, caller: Principal, request: Request, plans: list[Plan]) -> None:
    """Count gaps, and log each restricted service that the answer shows.

    Anonymous callers see only the public level: what they miss is not yet a gap.
    """
    restricted = {service_id for each in plans for service_id in each.sensitive}
    await log_restricted(session, caller, request.url.path, restricted)
    if caller.anonymous:
        return
    seen = [
        (each.profile.area, need, group_of(each.profile))
        for each in plans
        for need in gaps_of(each.steps)
    ]
    if seen:
        await observe(session, seen)


def _json(answer: dict[str, Any]) -> Response:
    # The driver's UUIDs are a subclass that orjson does not know by itself.
    return Response(orjson.dumps(answer, default=str), media_type="application/json")
