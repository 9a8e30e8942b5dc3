"""HTTP routes for consents and exceptions. Withdrawal ends referrals, so `referrals.withdrawal_api` handles it."""

from typing import Annotated, Literal
from uuid import UUID

from common.http import IdempotencyRequired, Session, StepUp, router
from common.paging import CursorText, Limit, Page, id_cursor, next_cursor, page_of
from fastapi import Query, Response

from referrals.case.consents import exceptions_service, queries, service
from referrals.case.consents.decision_service import shown_status
from referrals.case.consents.models import Grant
from referrals.case.consents.schemas import (
    Consent,
    ExceptionDetail,
    ExceptionStatus,
    ExceptionSummary,
    GivenConsent,
    NewCode,
    NewConsent,
    NewException,
    SupervisorDecision,
)
from referrals.ground.dependencies import CaseReader, Keys, Reader, Supervisor, Writer
from referrals.ground.directory.queries import shown_services

consents = router("/referrals/v1/consents", ["consents"])
exceptions = router("/referrals/v1/exceptions", ["consents"])
ConsentStatus = Literal["active", "pending", "refused", "withdrawn", "expired"]
MineToDecide = Annotated[
    bool,
    Query(description="Only what waits for a supervisor who did not ask, if you are one of them."),
]


@consents.post("", status_code=201, dependencies=[IdempotencyRequired])
async def record_consent(
    body: NewConsent, session: Session, caller: Writer, keys: Keys, response: Response
) -> GivenConsent:
    """Record the person's decision. Nothing overrides it; sharing without consent needs an exception."""
    grant, code = await service.give(session, caller, keys, body)
    response.headers["Location"] = f"/referrals/v1/consents/{grant.id}"
    return GivenConsent(**_consent(grant).model_dump(), withdrawal_code=code)


@consents.get("")
async def list_consents(
    *,
    session: Session,
    caller: CaseReader,
    case_id: UUID | None = None,
    status: Annotated[
        list[ConsentStatus] | None, Query(description="Only these.", max_length=5)
    ] = None,
    mine_to_decide: MineToDecide = False,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Consent]:
    """List your organisation's consents, newest first."""
    rows = await queries.grants(
        session,
        caller,
        case_id=case_id,
        statuses=status or [],
        mine_to_decide=mine_to_decide,
        before=id_cursor(cursor),
        limit=limit,
    )
    return page_of(rows, limit, _consent)


@consents.get("/{grant_id}")
async def read_consent(grant_id: UUID, session: Session, caller: CaseReader) -> Consent:
    """A decision that your organisation recorded, with its status now."""
    return _consent(await queries.own_grant(session, caller, grant_id))


@consents.post("/{grant_id}/decision")
async def decide_consent(
    grant_id: UUID, body: SupervisorDecision, session: Session, caller: Supervisor, keys: Keys
) -> Consent:
    """Decide in the child's best interest, as a supervisor who did not record the consent."""
    return _consent(await service.decide(session, caller, keys, grant_id, approve=body.approve))


@consents.post("/{grant_id}/withdrawal-code", dependencies=[IdempotencyRequired])
async def renew_withdrawal_code(
    grant_id: UUID, _body: NewCode, session: Session, caller: Writer
) -> GivenConsent:
    """Issue a new withdrawal code for a person who lost or never got theirs. The old code becomes void."""
    grant, code = await service.renew_code(session, caller, grant_id)
    return GivenConsent(**_consent(grant).model_dump(), withdrawal_code=code)


@exceptions.post("", status_code=201, dependencies=[IdempotencyRequired])
async def ask_for_exception(
    body: NewException, session: Session, caller: Writer, keys: Keys
) -> ExceptionSummary:
    """Ask to share without consent. A second person must approve before anything is shared."""
    return _exception(await exceptions_service.ask(session, caller, keys, body))


@exceptions.get("")
async def list_exceptions(
    *,
    session: Session,
    caller: Reader,
    status: Annotated[
        list[ExceptionStatus] | None, Query(description="Only these.", max_length=4)
    ] = None,
    mine_to_decide: MineToDecide = False,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ExceptionSummary]:
    """List exceptions for review: your organisation's, or, for a coordinator, those of their areas of responsibility
    in their states."""
    rows = await exceptions_service.listed(
        session,
        caller,
        statuses=status or [],
        mine_to_decide=mine_to_decide,
        before=id_cursor(cursor),
        limit=limit,
    )
    others = {row.service_id for row in rows if row.organisation_id != caller.organisation_id}
    shown = await shown_services(session, caller, others)
    items = [
        _exception(row)
        if row.service_id in shown or row.organisation_id == caller.organisation_id
        else _exception(row).model_copy(
            update={"service_id": None, "recipient_organisation_id": None}
        )
        for row in rows[:limit]
    ]
    return Page(items=items, next_cursor=next_cursor(rows, limit))


@exceptions.get("/{exception_id}")
async def read_exception(
    exception_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> ExceptionDetail:
    """Return an exception with its rationale. The reading is audited."""
    exception, rationale = await exceptions_service.read(session, caller, keys, exception_id)
    return ExceptionDetail(**_exception(exception).model_dump(), rationale=rationale)


@exceptions.post("/{exception_id}/decision", dependencies=[StepUp])
async def decide_exception(
    exception_id: UUID, body: SupervisorDecision, session: Session, caller: Supervisor
) -> ExceptionSummary:
    """Approve or refuse an exception that somebody else asked for."""
    found = await exceptions_service.decide(session, caller, exception_id, approve=body.approve)
    return _exception(found)


@exceptions.post("/{exception_id}/review")
async def review_exception(
    exception_id: UUID, session: Session, caller: Writer
) -> ExceptionSummary:
    """Review a used exception afterwards, as somebody who took no part in it."""
    return _exception(await exceptions_service.review(session, caller, exception_id))


def _consent(grant: Grant) -> Consent:
    return Consent.model_validate({**grant.model_dump(), "status": shown_status(grant)})


def _exception(exception: object) -> ExceptionSummary:
    return ExceptionSummary.model_validate(exception, from_attributes=True)
