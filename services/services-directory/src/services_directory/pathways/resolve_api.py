"""HTTP for resolve: questions sent by POST so that no profile stands in a URL or a log."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from common.auth import Principal
from common.happenings import tell
from common.sight import audience_of
from common.web import Session, context_of, open_to_all
from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from services_directory.happenings import GapsMet
from services_directory.pathways.definition.profile import Profile, group_of
from services_directory.pathways.planning.answers import resolution, shown_services
from services_directory.pathways.planning.plans import Plan, gaps_of, shortened
from services_directory.pathways.planning.resolution import SERVICES_SHOWN
from services_directory.pathways.planning.resolving import Caller, check_profile, plan
from services_directory.pathways.schemas import Batch, BatchResolution, Resolution
from services_directory.reading.answers import language_of
from services_directory.reading.read_route import PassOnError, StraightRoute
from services_directory.reading.restricted_service import log_restricted
from services_directory.reading.rows_queries import SelectReader
from services_directory.search.queries import names_of

_FEW = {str(number): number for number in range(1, SERVICES_SHOWN + 1)}


class QuestionRoute(StraightRoute):
    """A question leaves no trace: its answer is never stored under an Idempotency-Key. So it needs
    no transaction; each statement is a snapshot, as it would be inside one.

    A question that is well formed is answered straight; what is wrong with another, the framework
    says.
    """

    async def read(self, request: Request, reader: SelectReader) -> Response:
        caller = self.access.check(request)
        kind: Any = self.dependant.body_params[0].field_info.annotation
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise PassOnError
        asked_for = self._few(request)
        try:
            asked = kind.model_validate(orjson.loads(await request.body()))
        except ValueError:
            raise PassOnError from None
        response: Response = await self.endpoint(
            caller=caller, session=reader, request=request, body=asked, **asked_for
        )
        return response

    def _few(self, request: Request) -> dict[str, int]:
        """`services_per_step` where it alone is given and is a number that may be; what else there is, the
        framework checks."""
        if not request.query_params:
            return {}
        given = request.query_params.multi_items()
        known = {each.name for each in self.dependant.query_params}
        if len(given) > 1 or given[0][0] not in known or given[0][1] not in _FEW:
            raise PassOnError
        return {given[0][0]: _FEW[given[0][1]]}

    @staticmethod
    async def _keyed(request: Request, caller: Principal) -> None:
        return None


routes = APIRouter(prefix="/directory/v1/pathways", tags=["pathways"], route_class=QuestionRoute)
PerStep = Annotated[
    int | None,
    Query(
        ge=1,
        le=SERVICES_SHOWN,
        description="So many of the best services of each step; `fitting` goes on counting all.",
    ),
]
Asking = Annotated[Principal, open_to_all()]


@routes.post("/resolve", response_model=Resolution)
async def resolve_profile(
    *,
    caller: Asking,
    session: Session,
    request: Request,
    body: Profile,
    services_per_step: PerStep = None,
) -> Response:
    """Who can help this person, in which order, and where nobody can.

    The profile holds no identity. Nothing of it is kept; where a verified organisation meets a
    gap, one anonymous counter (area, need, group, week) rises by one. Services are named in the
    language of `Accept-Language` where they were translated.
    """
    check_profile(body)
    found = await _planned(session, Caller.of(caller), body, services_per_step)
    await _after(session, caller, request, [found])
    answer = resolution(found)
    await _name(session, caller, request, [answer])
    return _json(answer)


@routes.post("/resolve/batch", response_model=BatchResolution)
async def resolve_batch(
    *,
    caller: Asking,
    session: Session,
    request: Request,
    body: Batch,
    services_per_step: PerStep = None,
) -> Response:
    """The same for up to a hundred profiles, answered in their order."""
    for at, profile in enumerate(body.profiles):
        check_profile(profile, f"/profiles/{at}")
    asking = Caller.of(caller)
    # A day's list has the same need of the same group again and again: it is planned once.
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
    """Services by their names in the language that is asked for, where they were translated."""
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
    """Count gaps, and log each restricted service that the answer shows, before it leaves.

    Anonymous callers see only the public level: what they miss is not yet a gap.
    """
    restricted = {service_id for each in plans for service_id in each.sensitive}
    seen = [
        (each.profile.area, need, group_of(each.profile))
        for each in plans
        for need in gaps_of(each.steps, with_mediation=False)
        if not caller.anonymous
    ]
    if not restricted and not seen:
        return
    if isinstance(session, AsyncSession):
        await _keep(session, caller, request, restricted, seen)
        return
    async with context_of(request).database.transaction(caller) as own:
        await _keep(own, caller, request, restricted, seen)


async def _keep(
    session: AsyncSession,
    caller: Principal,
    request: Request,
    restricted: set[str],
    seen: Sequence[tuple[str, str, str]],
) -> None:
    await log_restricted(session, caller, request.url.path, map(UUID, restricted))
    if seen:
        await tell(session, GapsMet(seen))


def _json(answer: dict[str, Any]) -> Response:
    # The driver's UUIDs are a subclass that orjson does not know by itself.
    return Response(orjson.dumps(answer, default=str), media_type="application/json")
