"""HTTP routes for the desk: the coordinators' queue, and the reports handed over to an organisation."""

from typing import Annotated
from uuid import UUID

from common.auth import Principal, Role
from common.http import IdempotencyRequired, Session, requires, router
from common.paging import (
    CursorText,
    Limit,
    Page,
    encode_cursor,
    id_cursor,
    id_in,
    keys_in,
    moment_in,
    page_of,
)

from referrals.case.cases.schemas import CaseSummary
from referrals.ground.dependencies import Blind, CaseReader, Coordinator, CoordinatorReader, Writer
from referrals.ground.vocabulary.fields import KnownPlace
from referrals.listening.line import desk_service, handing_service, queries
from referrals.listening.line.api import LineOf
from referrals.listening.line.kinds import for_kind
from referrals.listening.line.models import LineException, LineReport
from referrals.listening.line.schemas import (
    CaseFromReport,
    Closing,
    Decision,
    Declining,
    DeskMessage,
    HandOver,
    Implicated,
    KnownKind,
    LineExceptionView,
    MessageView,
    NewLineException,
    PreparedAnswer,
    ReportDetail,
    ReportSummary,
    Rerouting,
    Status,
)
from referrals.listening.line.service import Line

desk = router("/referrals/v1/line", ["anonymous line: desk"])
Decider = Annotated[
    Principal, requires("referrals:read", roles={Role.COORDINATOR, Role.SUPERVISOR})
]


@desk.get("/reports")
async def list_reports(
    session: Session,
    caller: CoordinatorReader,
    status: Status | None = None,
    area: KnownPlace | None = None,
    kind: KnownKind | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ReportSummary]:
    """List the reports of your areas of responsibility: urgent ones first, then the longest waiting."""
    statuses = queries.WAITING if status is None else (status,)
    rows = await queries.queue(
        session,
        caller,
        statuses=statuses,
        area=area,
        kind=kind,
        after=keys_in(cursor, bool, moment_in, id_in),
        limit=limit,
    )
    return page_of(rows, limit, _summary, lambda row: (not row.urgent, row.last_at, row.id))


@desk.get("/answers")
async def list_prepared_answers(
    _caller: CoordinatorReader, kind: KnownKind | None = None
) -> list[PreparedAnswer]:
    """List opening texts of answers in both languages, those for this kind of report first."""
    return [PreparedAnswer(code=each.code, kind=each.kind, **each.texts) for each in for_kind(kind)]


@desk.get("/reports/{report_id}")
async def read_report(
    report_id: UUID, session: Session, caller: CoordinatorReader, line: LineOf
) -> ReportDetail:
    """Return the decrypted report. The reading is audited."""
    return _detail(*await desk_service.read(session, caller, line, report_id))


@desk.post("/reports/{report_id}/take")
async def take_report(report_id: UUID, session: Session, caller: Coordinator) -> ReportSummary:
    """Assign the report to you."""
    return _summary(await desk_service.take(session, caller, report_id))


@desk.post("/reports/{report_id}/messages", status_code=201, dependencies=[IdempotencyRequired])
async def answer_report(
    report_id: UUID, body: DeskMessage, session: Session, caller: Coordinator, line: LineOf
) -> ReportSummary:
    """Answer in the thread. Only the reporter can read it, with the receipt."""
    return _summary(await desk_service.answer(session, caller, line, report_id, body.text))


@desk.post("/reports/{report_id}/spam")
async def mark_spam(report_id: UUID, session: Session, caller: Coordinator) -> ReportSummary:
    """Mark the report as unwanted. It leaves the queue."""
    return _summary(await desk_service.put_aside(session, caller, report_id, spam=True))


@desk.post("/reports/{report_id}/not-spam")
async def mark_not_spam(report_id: UUID, session: Session, caller: Coordinator) -> ReportSummary:
    """Remove the mark as unwanted. The report returns to the queue."""
    return _summary(await desk_service.put_aside(session, caller, report_id, spam=False))


@desk.post("/reports/{report_id}/reroute")
async def reroute_report(
    report_id: UUID, body: Rerouting, session: Session, caller: Coordinator
) -> ReportSummary:
    """Send the report to the desk that is responsible for its kind and state."""
    return _summary(await desk_service.reroute(session, caller, report_id, body))


@desk.put("/reports/{report_id}/implicated-organisations")
async def set_implicated(
    report_id: UUID, body: Implicated, session: Session, caller: Coordinator
) -> ReportSummary:
    """Set the organisations that the report implicates. They see nothing of it."""
    found = await desk_service.implicate(session, caller, report_id, body.organisation_ids)
    return _summary(found)


@desk.post("/reports/{report_id}/close")
async def close_report(
    report_id: UUID, body: Closing, session: Session, caller: Coordinator
) -> ReportSummary:
    """End the work on the report."""
    return _summary(await desk_service.close(session, caller, report_id, body))


@desk.post("/reports/{report_id}/exceptions", status_code=201, dependencies=[IdempotencyRequired])
async def ask_exception(
    report_id: UUID, body: NewLineException, session: Session, caller: Coordinator, line: LineOf
) -> LineExceptionView:
    """Ask to hand the report over without the reporter's wish; a second person decides."""
    found = await handing_service.ask_exception(session, caller, line, report_id, body)
    return await _exception(line, found)


@desk.get("/exceptions")
async def list_exceptions(
    session: Session, caller: Decider, line: LineOf, cursor: CursorText = None, limit: Limit = 50
) -> Page[LineExceptionView]:
    """List the requests to hand over a report without the reporter's consent, newest first."""
    rows, last = await handing_service.exceptions(
        session, caller, before=id_cursor(cursor), limit=limit
    )
    more = encode_cursor(last) if last else None
    reports = await queries.of_desk(session, caller, {row.report_id for row in rows})
    items = [await _exception(line, row, reports.get(row.report_id)) for row in rows]
    return Page(items=items, next_cursor=more)


@desk.post("/exceptions/{exception_id}/decide")
async def decide_exception(
    exception_id: UUID, body: Decision, session: Session, caller: Decider, line: LineOf
) -> LineExceptionView:
    """Decide as another coordinator, or as a supervisor of the organisation that would receive the report."""
    found = await handing_service.decide_exception(
        session, caller, exception_id, approve=body.approve
    )
    return await _exception(line, found)


@desk.post("/reports/{report_id}/hand-over")
async def hand_over(
    report_id: UUID, body: HandOver, session: Session, caller: Coordinator
) -> ReportSummary:
    """Let an organisation make a case of the report, by the reporter's wish or an approved exception."""
    found = await handing_service.hand_over(
        session, caller, report_id, body.organisation_id, body.exception_id
    )
    return _summary(found)


@desk.get("/handed-over")
async def list_handed(
    session: Session, caller: CaseReader, cursor: CursorText = None, limit: Limit = 50
) -> Page[ReportSummary]:
    """List the reports that your organisation received."""
    rows = await queries.handed(session, caller, before=id_cursor(cursor), limit=limit)
    return page_of(rows, limit, _summary)


@desk.get("/handed-over/{report_id}")
async def read_handed(
    report_id: UUID, session: Session, caller: CaseReader, line: LineOf
) -> ReportDetail:
    """Return a decrypted report that your organisation received. The reading is audited."""
    return _detail(*await handing_service.read_handed(session, caller, line, report_id))


@desk.post("/handed-over/{report_id}/give-back")
async def give_back(
    report_id: UUID, body: Declining, session: Session, caller: Writer
) -> ReportSummary:
    """Return a report that another organisation handed over to yours, with a reason."""
    return _summary(await handing_service.give_back(session, caller, report_id, body.reason))


@desk.post("/handed-over/{report_id}/case", status_code=201, dependencies=[IdempotencyRequired])
async def make_case(
    *,
    report_id: UUID,
    body: CaseFromReport,
    session: Session,
    caller: Writer,
    line: LineOf,
    blind: Blind,
) -> CaseSummary:
    """Register the report as a case. From then on the rules of cases and consent apply."""
    case = await handing_service.make_case(session, caller, line, blind, report_id, body)
    return CaseSummary.model_validate(case, from_attributes=True)


def _summary(report: LineReport) -> ReportSummary:
    return ReportSummary.model_validate(report, from_attributes=True)


def _detail(report: LineReport, messages: list[MessageView]) -> ReportDetail:
    summary = ReportSummary.model_validate(report, from_attributes=True).model_dump()
    return ReportDetail(**summary, thread=messages, implicated=report.implicated)


async def _exception(
    line: Line, found: LineException, report: LineReport | None = None
) -> LineExceptionView:
    own = LineExceptionView.model_fields.keys() - {"rationale", "report"}
    return LineExceptionView(
        **{name: getattr(found, name) for name in own},
        rationale=await handing_service.rationale_of(line, found),
        report=_summary(report) if report else None,
    )
