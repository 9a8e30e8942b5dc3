"""Routes for milestones: coordinators and the IM role set them, and everyone with access to reports can read them."""

from operator import attrgetter
from typing import Annotated
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.http import IfMatch, Session, check_if_match, etag_of, requires, router
from common.paging import CursorText, Limit, Page, day_in, id_in, keys_in, page_of
from fastapi import Path, Query, Response

from reporting.count.milestones import queries, service
from reporting.count.milestones.plan import LABELS, Status, late
from reporting.count.milestones.queries import FIELDS, Milestone
from reporting.count.milestones.schemas import MilestoneBody, MilestoneView
from reporting.ground.rights import PREPARING

routes = router("/reports/v1/context/milestones", ["context"])

Reader = Annotated[Principal, requires(scope="reports:read")]
Writer = Annotated[Principal, requires(*PREPARING)]
MilestoneId = Annotated[UUID, Path(description="The id of a milestone.")]


@routes.get("")
async def list_milestones(
    *,
    caller: Reader,
    session: Session,
    plan: Annotated[str | None, Query(max_length=60)] = None,
    status: Annotated[Status | None, Query()] = None,
    only_late: Annotated[
        bool, Query(alias="late", description="Only those that are late today.")
    ] = False,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[MilestoneView]:
    """List milestones of the work plan by due date; late ones are marked."""
    found = await queries.listed(
        session,
        plan=plan,
        status=status,
        late_on=clock.today() if only_late else None,
        after=keys_in(cursor, day_in, id_in),
        limit=limit + 1,
    )
    return page_of(found, limit, lambda each: _view(each, caller), attrgetter("last_day", "id"))


@routes.post("", status_code=201)
async def add_milestone(
    response: Response, caller: Writer, session: Session, body: MilestoneBody
) -> MilestoneView:
    """Set a milestone."""
    return _answered(response, caller, await service.add(session, caller, body))


@routes.get("/{milestone_id}")
async def read_milestone(
    response: Response, caller: Reader, session: Session, milestone_id: MilestoneId
) -> MilestoneView:
    """Return one milestone, with its ETag."""
    return _answered(response, caller, await _found(session, milestone_id))


@routes.put("/{milestone_id}")
async def change_milestone(
    *,
    response: Response,
    caller: Writer,
    session: Session,
    milestone_id: MilestoneId,
    body: MilestoneBody,
    if_match: IfMatch = None,
) -> MilestoneView:
    """Change a milestone: its status, its quarter, its text. Earlier versions are kept.

    Send its ETag as If-Match. 409 `milestone_status` names the possible statuses.
    """
    found = await _found(session, milestone_id, held=True)
    check_if_match(if_match, etag_of(found.version))
    return _answered(response, caller, await service.change(session, caller, found, body))


@routes.get("/{milestone_id}/history")
async def milestone_history(
    caller: Reader, session: Session, milestone_id: MilestoneId
) -> list[MilestoneView]:
    """List all earlier states of a milestone, oldest first; `late` refers to the time when each ended."""
    await _found(session, milestone_id)
    states = await queries.history(session, milestone_id)
    until = [clock.day_of(each.changed_at) for each in states[1:]] + [clock.today()]
    return [
        _view(each, caller).model_copy(update={"late": late(each.body.status, each.last_day, day)})
        for each, day in zip(states, until, strict=True)
    ]


async def _found(session: Session, milestone_id: UUID, *, held: bool = False) -> Milestone:
    found = await queries.one(session, milestone_id, held=held)
    if found is None:
        raise NOT_FOUND.because("no_such_milestone")
    return found


def _answered(response: Response, caller: Principal, found: Milestone) -> MilestoneView:
    response.headers["ETag"] = etag_of(found.version)
    return _view(found, caller)


def _view(found: Milestone, caller: Principal) -> MilestoneView:
    body = found.body
    shown = {field: getattr(body, field) for field in FIELDS}
    if not PREPARING.roles & caller.roles:
        shown["organisation_id"] = None
    return MilestoneView(
        id=found.id,
        version=found.version,
        changed_at=found.changed_at,
        last_day=found.last_day,
        status_label=dict(LABELS[body.status]),
        late=late(body.status, found.last_day, clock.today()),
        **shown,
    )
