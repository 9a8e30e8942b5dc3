"""HTTP for resolving profiles. Queries use POST, so that no profile appears in a URL or a log. A response is never
stored under an Idempotency-Key."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from common.auth import Principal
from common.happenings import tell
from common.http import Reading, Session, open_to_all, router
from common.sight import audience_of
from fastapi import Query, Response
from starlette.requests import Request

from directory.find.search.queries import names_of
from directory.ground.happenings import GapsMet
from directory.ground.reading.answers import language_of
from directory.ground.reading.restricted_service import log_restricted
from directory.pathways.definition.profile import Profile, group_of
from directory.pathways.planning.answers import resolution, shown_services
from directory.pathways.planning.plans import Plan, gaps_of, shortened
from directory.pathways.planning.resolution import SERVICES_SHOWN
from directory.pathways.planning.resolver import Caller, check_profile, plan
from directory.pathways.schemas import Batch, BatchResolution, Resolution

routes = router("/directory/v1/pathways", ["pathways"])
PerStep = Annotated[
    int | None,
    Query(
        ge=1,
        le=SERVICES_SHOWN,
        description="So many of the best services of each step; `fitting` goes on counting all.",
    ),
]
Asking = Annotated[Principal, open_to_all()]


@routes.post("/resolve", response_model=Resolution, dependencies=[Reading])
async def resolve_profile(
    *,
    caller: Asking,
    session: Session,
    request: Request,
    body: Profile,
    services_per_step: PerStep = None,
) -> Response:
    """The services that can help this person, in order, and the needs that no service meets. The profile contains no
    identity and is not stored. If a verified organisation meets a gap, one anonymous counter (area, need, group, week)
    rises by one, unless the question excludes organisations. Services have their name in the language of
    `Accept-Language` where it was translated."""
    check_profile(body)
    found = await _planned(session, Caller.of(caller), body, services_per_step)
    await _after(session, caller, request, [found])
    answer = resolution(found)
    await _name(session, caller, request, [answer])
    return _json(answer)


@routes.post("/resolve/batch", response_model=BatchResolution, dependencies=[Reading])
async def resolve_batch(
    *,
    caller: Asking,
    session: Session,
    request: Request,
    body: Batch,
    services_per_step: PerStep = None,
) -> Response:
    """Resolves up to a hundred profiles, and answers in their order."""
    for at, profile in enumerate(body.profiles):
        check_profile(profile, f"/profiles/{at}")
    asking = Caller.of(caller)
    # A day's list repeats the same need and group, so each pair is planned only once.
    planned: dict[str, Plan] = {}
    found = []
    for profile in body.profiles:
        asked = profile.model_dump_json()
        if asked not in planned:
            planned[asked] = await _planned(session, asking, profile, services_per_step)
        found.append(planned[asked])
    await _after(session, caller, request, found)
    answers = [resolution(each) for each in found]
    await _name(session, caller, request, answers)
    return _json({"items": answers})


async def _planned(
    session: Session, asking: Caller, profile: Profile, per_step: int | None
) -> Plan:
    found = await plan(session, asking, profile)
    return found if per_step is None else shortened(found, per_step)


async def _name(
    session: Session, caller: Principal, request: Request, answers: list[dict[str, Any]]
) -> None:
    """Replace the names of services with their translations in the language of the request, if there are any."""
    language = language_of(request)
    named = [each for answer in answers for each in shown_services(answer)]
    if language is None or not named:
        return
    ids = list({UUID(str(each["service_id"])) for each in named})
    found = await names_of(session, ids, audience_of(caller), language)
    names = {str(row["service_id"]): row["name"] for row in found}
    for each in named:
        each["name"] = names.get(str(each["service_id"]), each["name"])


async def _after(session: Session, caller: Principal, request: Request, plans: list[Plan]) -> None:
    """Count gaps and log each restricted service in the response before it is sent. Anonymous callers see only the
    public level, so a need without services is not yet a gap for them."""
    restricted = {service_id for each in plans for service_id in each.sensitive}
    seen = [
        (each.profile.area, need, group_of(each.profile))
        for each in plans
        for need in gaps_of(each.steps, with_mediation=False)
        if not (caller.anonymous or each.profile.exclude_organisations)
    ]
    await log_restricted(session, caller, request.url.path, map(UUID, restricted))
    if seen:
        await tell(session, GapsMet(seen))


def _json(answer: dict[str, Any]) -> Response:
    # orjson cannot serialise the driver's subclass of UUID.
    return Response(orjson.dumps(answer, default=str), media_type="application/json")
