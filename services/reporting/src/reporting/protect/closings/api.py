"""Routes for closings: one call for all programmes of a period, run as jobs with progress."""

from typing import Annotated, cast
from uuid import UUID

from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.http import Session, StepUp, context_of, requires, router
from common.paging import CursorText, Page, day_in, id_in, keys_in, page_of
from fastapi import Path, Query, Response
from starlette.requests import Request

from reporting.ground.asked_periods import asked_period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.rights import CONTRIBUTING, PUBLISHING
from reporting.protect.closings import queries, service
from reporting.protect.closings.progress import StepState
from reporting.protect.closings.queries import Closing
from reporting.protect.closings.schemas import CloseProgrammes, ClosingView, Done, StepView
from reporting.protect.releases.api import contributors_of
from reporting.protect.releases.queries import who_stood_for
from reporting.settings import Settings

PREFIX = "/reports/v1/closings"
routes = router(PREFIX, ["releases"])

Reader = Annotated[Principal, requires(scope="reports:read")]
Publisher = Annotated[Principal, requires(*PUBLISHING)]
Contributing = Annotated[Principal, requires(*CONTRIBUTING)]
ClosingId = Annotated[UUID, Path(description="The id of a closing.")]
_CLOSED = frozenset(StepState) - {StepState.TO_CLOSE, StepState.NOT_CLOSED}


@routes.post("", status_code=202)
async def close_programmes(
    *,
    request: Request,
    response: Response,
    caller: Publisher,
    session: Session,
    body: CloseProgrammes,
) -> ClosingView:
    """Close all programmes of an ended period, or those named.

    Each is counted and rounded once, in its own transaction, so a failed one does not affect the others. There is one
    closing per period; a repeated call tries again what is not closed. `Location` shows the progress.
    """
    wanted = service.Wanted(asked_period(body.period), body.programmes)
    programmes = _programmes(request)
    return _accepted(
        response, caller, programmes, await service.close(session, caller, wanted, programmes)
    )


@routes.get("")
async def list_closings(
    *,
    request: Request,
    caller: Reader,
    session: Session,
    period: Annotated[str | None, Query(max_length=10)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many items a page holds.")] = 20,
    cursor: CursorText = None,
) -> Page[ClosingView]:
    """List closings, newest period first, with the programmes whose releases you may see."""
    found = await queries.visible(
        session,
        caller,
        period=asked_period(period).id if period else None,
        after=keys_in(cursor, day_in, id_in),
        limit=limit + 1,
    )
    programmes = _programmes(request)
    return page_of(
        found,
        limit,
        lambda each: _view(each, caller, programmes),
        lambda each: (each.period_start, each.id),
    )


@routes.get("/{closing_id}")
async def read_closing(
    request: Request, caller: Reader, session: Session, closing_id: ClosingId
) -> ClosingView:
    """Return the progress of each programme."""
    found = await queries.visible(session, caller, closing_id=closing_id)
    if not found:
        raise NOT_FOUND.because("no_such_closing")
    (closing,) = found
    stood = await who_stood_for(
        session, [each.release.id for each in closing.steps if each.release]
    )
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    possible = service.legal(caller, closing, stood, alone=alone)
    view = _view(closing, caller, _programmes(request))
    return view.model_copy(update={"possible_steps": possible})


@routes.post("/{closing_id}/sign-offs")
async def sign_off_closing(
    request: Request, caller: Contributing, session: Session, closing_id: ClosingId
) -> ClosingView:
    """Agree, for your organisation, to the publication of each draft to which it contributes."""
    done = await service.sign_off(session, caller, closing_id)
    return _view(done, caller, _programmes(request))


@routes.post("/{closing_id}/publications", status_code=202, dependencies=[StepUp])
async def publish_closing(
    request: Request,
    response: Response,
    caller: Publisher,
    session: Session,
    closing_id: ClosingId,
) -> ClosingView:
    """Publish everything that is closed, each programme in its own transaction.

    A programme without a contributor's agreement stays a draft (`not_published`, with the problem) and does not block
    the others.
    """
    asked = await service.publish(session, caller, closing_id)
    return _accepted(response, caller, _programmes(request), asked)


def _programmes(request: Request) -> Catalogue:
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    return catalogue


def _accepted(
    response: Response, caller: Principal, programmes: Catalogue, closing: Closing
) -> ClosingView:
    response.headers["Location"] = f"{PREFIX}/{closing.id}"
    return _view(closing, caller, programmes)


def _view(closing: Closing, caller: Principal, programmes: Catalogue) -> ClosingView:
    titles = {each.id: dict(each.title) for each in programmes}
    steps = []
    whole = Role.IM in caller.roles  # a problem may name the contributors
    for each in closing.steps:
        release = each.release
        steps.append(
            StepView(
                programme=each.programme,
                title=titles.get(each.programme, {}),
                state=each.state,
                release_id=release.id if release else None,
                contributors=contributors_of(release, caller) if release else None,
                attempts=each.attempts,
                problem=each.problem if each.state.startswith("not_") and whole else None,
                changed_at=each.changed_at,
            )
        )
    done = Done(
        programmes=len(steps),
        closed=sum(each.state in _CLOSED for each in steps),
        signed_off=sum(each.signed for each in closing.steps),
        published=sum(each.state is StepState.PUBLISHED for each in steps),
    )
    told = {"state": closing.state, "done": done, "steps": steps}
    return ClosingView.model_validate({**vars(closing), **told})
