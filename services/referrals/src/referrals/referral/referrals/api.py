"""HTTP routes for referrals: drafts, the two lists, one endpoint per transition.

Each route for a single referral exists twice: under /referrals, and under its case, where a referral of another case
counts as not found.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from common import clock
from common.errors import NOT_FOUND, Problem
from common.events.codes import Urgency
from common.http import IdempotencyRequired, Session, UnitOfWorkRoute, router
from common.paging import CursorText, Limit, Page
from common.words.referral_states import ReferralState
from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from referrals.ground.dependencies import CaseReader, Keys, Writer
from referrals.ground.directory.queries import shown_services
from referrals.ground.vocabulary.facts import decided
from referrals.ground.vocabulary.fields import Category
from referrals.referral.referrals import (
    drafts,
    list_queries,
    queries,
    renewals,
    service,
    shared_content,
    withdrawal,
)
from referrals.referral.referrals.counting_queries import COUNTED_TO, queue_counts
from referrals.referral.referrals.due import due, is_overdue
from referrals.referral.referrals.lifecycle import legal_commands, may_offer_again
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.schemas import (
    STEPS,
    Alternative,
    ConfirmFeedback,
    Disclosure,
    Moment,
    NewReferral,
    QueueCounts,
    ReadingView,
    ReferralView,
    RenewConsent,
    Send,
    Step,
    StepView,
    Suggest,
    WholeReferral,
    Withdraw,
)

referrals = router("/referrals/v1/referrals", ["referrals"])


async def _case_of_path(request: Request) -> UUID | None:
    text = request.path_params.get("case_id")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise NOT_FOUND.because("no_such_case_in_your_organisation") from error


With = Annotated[
    list[Literal["history", "disclosure", "readings", "alternatives"]] | None,
    Query(alias="with", description="What else to answer, in one call.", max_length=4),
]
CaseOfPath = Annotated[UUID | None, Depends(_case_of_path)]
States = Annotated[
    list[ReferralState] | None, Query(description="Only these states.", max_length=16)
]
Urgencies = Annotated[list[Urgency] | None, Query(description="Only these.", max_length=3)]
Categories = Annotated[list[Category] | None, Query(description="Only these.", max_length=50)]
ClosedSince = Annotated[
    Moment | None, Query(description="Only those that ended, and changed since this moment.")
]
Order = Annotated[
    Literal["newest", "deadline"],
    Query(description="`deadline`: what is due first comes first, without a deadline last."),
]


@referrals.post("", status_code=201, dependencies=[IdempotencyRequired])
async def draft_referral(
    body: NewReferral, session: Session, caller: Writer, keys: Keys, response: Response
) -> ReferralView:
    """Write a draft. Nothing is shared, and nobody is told, before it is sent."""
    referral = await drafts.draft(session, caller, keys, body)
    response.headers["Location"] = f"/referrals/v1/referrals/{referral.id}"
    return await view(session, referral, caller)


@referrals.get("")
async def list_sent(
    *,
    session: Session,
    caller: CaseReader,
    state: States = None,
    urgency: Urgencies = None,
    category: Categories = None,
    case_id: UUID | None = None,
    overdue: bool = False,
    unreplaced: Annotated[
        bool, Query(description="Only those that no other referral is instead of.")
    ] = False,
    unconfirmed: Annotated[
        bool, Query(description="Only outcomes that nobody has confirmed.")
    ] = False,
    consent_ending: Annotated[
        bool,
        Query(
            description="Only open ones whose consent ends within seven days, or has ended by its date."
        ),
    ] = False,
    closed_since: ClosedSince = None,
    order: Order = "newest",
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReferralView]:
    """List the referrals that your organisation sent, newest first or by deadline."""
    wanted = list_queries.Wanted(
        states=[s.value for s in state or []],
        urgencies=urgency or [],
        categories=category or [],
        case_id=case_id,
        overdue_at=clock.now() if overdue else None,
        unreplaced=unreplaced,
        unconfirmed=unconfirmed,
        consent_ending=consent_ending,
        closed_since=closed_since,
        by_deadline=order == "deadline",
        cursor=cursor,
        limit=limit,
    )
    rows = await list_queries.sent(session, caller, wanted)
    return await _page(session, rows, wanted, caller, sender=True)


@referrals.get("/inbox")
async def list_inbox(
    *,
    session: Session,
    caller: CaseReader,
    state: States = None,
    urgency: Urgencies = None,
    category: Categories = None,
    service_id: UUID | None = None,
    overdue: bool = False,
    closed_since: ClosedSince = None,
    order: Order = "newest",
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReferralView]:
    """List the referrals to your organisation's services, newest first or by deadline."""
    wanted = list_queries.Wanted(
        states=[s.value for s in state or []],
        urgencies=urgency or [],
        categories=category or [],
        service_id=service_id,
        overdue_at=clock.now() if overdue else None,
        closed_since=closed_since,
        by_deadline=order == "deadline",
        cursor=cursor,
        limit=limit,
    )
    rows = await list_queries.received(session, caller, wanted)
    return await _page(session, rows, wanted, caller, sender=False)


async def _page(
    session: Session,
    rows: Sequence[Referral],
    wanted: list_queries.Wanted,
    caller: CaseReader,
    *,
    sender: bool,
) -> Page[ReferralView]:
    items = await views(session, rows[: wanted.limit], caller)
    return Page(items=items, next_cursor=list_queries.next_cursor(rows, wanted, sender=sender))


@referrals.get("/inbox/counts")
async def count_inbox(session: Session, caller: CaseReader) -> QueueCounts:
    """Count open referrals to your organisation by state, and the overdue ones."""
    by_state, late = await queue_counts(session, caller, clock.now())
    return QueueCounts(by_state=by_state, overdue=late, counted_to=COUNTED_TO)


one = APIRouter(route_class=UnitOfWorkRoute, tags=["referrals"])


@one.get("/{referral_id}")
async def read_referral(
    *,
    referral_id: UUID,
    session: Session,
    caller: CaseReader,
    keys: Keys,
    case_id: CaseOfPath,
    with_: With = None,
) -> WholeReferral:
    """Return a referral in codes to either side. On request also its history, the disclosed content (audited, as at
    `/disclosure`), and when it was read."""
    referral = await queries.one(session, caller, referral_id, case_id=case_id)
    (shown,) = await views(session, [referral], caller)
    parts: dict[str, Any] = {}
    if "disclosure" in (with_ or ()):
        parts |= await _disclosed(session, caller, keys, referral_id)
    if "history" in (with_ or ()):
        parts["history"] = await _history(session, caller, keys, referral_id)
    if "readings" in (with_ or ()):
        parts["readings"] = await _readings(session, caller, referral)
    if "alternatives" in (with_ or ()) and service.wants_another(caller, referral):
        parts["alternatives"] = await _alternatives(session, caller, referral_id)
    return WholeReferral(**shown.model_dump(), **parts)


async def _disclosed(
    session: Session, caller: CaseReader, keys: Keys, referral_id: UUID
) -> dict[str, Any]:
    try:
        content = await shared_content.disclosure(session, caller, keys, referral_id)
    except Problem as refused:
        return {"disclosure_refused": refused.kind.code}
    return {"disclosure": Disclosure.model_validate(content)}


async def _readings(
    session: Session, caller: CaseReader, referral: Referral
) -> list[ReadingView] | None:
    found = await shared_content.readings(session, caller, referral)
    if found is None:
        return None
    by = referral.to_organisation
    return [ReadingView(organisation_id=by, at=at, items=items) for at, items in found]


@one.get("/{referral_id}/disclosure")
async def read_disclosure(
    referral_id: UUID, session: Session, caller: CaseReader, keys: Keys, case_id: CaseOfPath
) -> Disclosure:
    """Return the content that the person agreed to share. The reading is audited."""
    content = await shared_content.disclosure(session, caller, keys, referral_id, case_id)
    return Disclosure.model_validate(content)


@one.get("/{referral_id}/history")
async def read_history(
    referral_id: UUID, session: Session, caller: CaseReader, keys: Keys, case_id: CaseOfPath
) -> list[StepView]:
    """List every step with its time and the person or client who took it, oldest first."""
    return await _history(session, caller, keys, referral_id, case_id)


async def _history(
    session: Session, caller: CaseReader, keys: Keys, referral_id: UUID, case_id: UUID | None = None
) -> list[StepView]:
    steps = await shared_content.history(session, caller, keys, referral_id, case_id)
    named = [name for name in StepView.model_fields if name not in ("detail", "by")]
    return [
        StepView(
            **{name: getattr(step, name) for name in named},
            by=step.client if step.organisation_id == caller.organisation else None,
            detail=detail,
        )
        for step, detail in steps
    ]


@one.get("/{referral_id}/alternatives")
async def list_alternatives(
    referral_id: UUID, session: Session, caller: CaseReader, case_id: CaseOfPath
) -> list[Alternative]:
    """List at most 10 other services for the same need; those of a published pathway come first, in its order."""
    await queries.one(session, caller, referral_id, case_id=case_id)
    return await _alternatives(session, caller, referral_id)


async def _alternatives(
    session: Session, caller: CaseReader, referral_id: UUID
) -> list[Alternative]:
    return [
        Alternative(
            service_id=found.service_id,
            organisation_id=found.organisation_id,
            pathway_rank=rank,
            capacity_state=found.capacity_state,
            areas=found.areas,
        )
        for found, rank in await service.alternatives(session, caller, referral_id)
    ]


@one.post("/{referral_id}/send")
async def send(
    referral_id: UUID, body: Send, session: Session, caller: Writer, keys: Keys, case_id: CaseOfPath
) -> ReferralView:
    """Send the draft: draft → sent. The granted content is copied now and never changes."""
    return await view(
        session, await drafts.send(session, caller, keys, referral_id, body, case_id), caller
    )


def _endpoint(kind: type[Step]) -> Callable[..., Awaitable[ReferralView]]:
    async def step(
        referral_id: UUID,
        body: Step,
        session: Session,
        caller: Writer,
        keys: Keys,
        case_id: CaseOfPath,
    ) -> ReferralView:
        moved = await service.move(session, caller, keys, referral_id, body, case_id)
        return await view(session, moved, caller)

    step.__name__ = kind.command.value.replace("-", "_")
    step.__doc__ = kind.says
    step.__annotations__["body"] = kind
    return step


for _command, _kind in STEPS.items():
    one.add_api_route("/{referral_id}/" + _command.value, _endpoint(_kind), methods=["POST"])


@one.post("/{referral_id}/withdraw")
async def withdraw(
    referral_id: UUID,
    body: Withdraw,
    session: Session,
    caller: Writer,
    keys: Keys,
    case_id: CaseOfPath,
) -> ReferralView:
    """Record the person's wish on either side: any open state → withdrawn. This never fails."""
    referral = await withdrawal.withdraw_referral(
        session, caller, keys, referral_id, body.method, body.withdrawn_at, case_id
    )
    return await view(session, referral, caller)


@one.post("/{referral_id}/renew-consent")
async def renew_consent(
    referral_id: UUID,
    body: RenewConsent,
    session: Session,
    caller: Writer,
    keys: Keys,
    case_id: CaseOfPath,
) -> ReferralView:
    """Continue an open referral under the person's new consent. The recipient reads the sent content that it covers."""
    renewed = await renewals.renew(session, caller, keys, referral_id, body, case_id)
    return await view(session, renewed, caller)


@one.post("/{referral_id}/suggest")
async def suggest(
    referral_id: UUID,
    body: Suggest,
    session: Session,
    caller: Writer,
    keys: Keys,
    case_id: CaseOfPath,
) -> ReferralView:
    """Name another service, as the recipient. Nothing is forwarded to it."""
    await queries.one(session, caller, referral_id, case_id=case_id)
    return await view(
        session, await service.suggest(session, caller, keys, referral_id, body), caller
    )


@one.post("/{referral_id}/confirm")
async def confirm_feedback(
    referral_id: UUID,
    body: ConfirmFeedback,
    session: Session,
    caller: Writer,
    keys: Keys,
    case_id: CaseOfPath,
) -> ReferralView:
    """Confirm the outcome that the recipient reported, as the referrer or for the person."""
    confirmed = await service.confirm_feedback(session, caller, keys, referral_id, body, case_id)
    return await view(session, confirmed, caller)


referrals.include_router(one)
of_case = router("/referrals/v1/cases/{case_id}/referrals", ["referrals"])
# These routes repeat the steps for existing clients; the API description lists each step only once.
of_case.include_router(one, deprecated=True)


async def views(
    session: Session, rows: Sequence[Referral], caller: CaseReader
) -> list[ReferralView]:
    """Return referrals as `caller` may see them. Omit suggested services that the directory hides from the caller."""
    granted = await shared_content.granted_now(session, caller, rows)
    shown = await _suggested(session, rows, caller)
    return [_view(row, caller, shown, granted.get(row.id)) for row in rows]


async def view(session: Session, referral: Referral, caller: CaseReader) -> ReferralView:
    """Return the response to a command. It is stored for replay, so it contains no content for a recipient."""
    shown = await _suggested(session, [referral], caller)
    return _view(referral, caller, shown, granted=frozenset())


async def _suggested(
    session: Session, rows: Sequence[Referral], caller: CaseReader
) -> Collection[UUID]:
    suggested = {row.suggested_service_id for row in rows if row.suggested_service_id is not None}
    return await shown_services(session, caller, suggested)


for _answer in (ReferralView, WholeReferral, StepView, Disclosure):
    decided(_answer.__name__, _answer.model_fields)


def _view(
    referral: Referral, caller: CaseReader, shown: Collection[UUID], granted: Collection[str] | None
) -> ReferralView:
    """Return a referral with the caller's currently legal steps. `granted`: see `shown_instead`."""
    parties = queries.parties_of(caller, referral)
    # values hidden from the caller must not create a deadline
    seen = queries.seen_by(caller, referral, granted)
    values = seen.model_dump()
    if referral.suggested_service_id not in shown:
        values["suggested_service_id"] = None
    if referral.state != ReferralState.SENT:
        values["unheard_at"] = None
    return ReferralView(
        **values,
        due=due(seen),
        overdue=is_overdue(seen, clock.now()),
        offer_again=may_offer_again(seen.reason, seen.changed_at, clock.now())
        if seen.state == ReferralState.DECLINED
        else None,
        legal_transitions=[
            command.value for command in legal_commands(ReferralState(referral.state), parties)
        ],
    )
