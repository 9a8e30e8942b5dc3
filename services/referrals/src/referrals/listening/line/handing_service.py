"""Turns a report into a case, by the reporter's wish or by an exception that two people decide. The organisation reads
the report and registers the case under its own consent rules."""

from collections.abc import Collection, Sequence
from uuid import UUID

from common import clock
from common.auth import Principal
from common.db.session import Database
from common.errors import CONFLICT, NOT_FOUND
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import service as cases
from referrals.case.cases.models import Case
from referrals.errors import CONSENT_WITHDRAWN, IMPLICATED, NO_WISH, NOT_REFERABLE
from referrals.ground import exceptions_service
from referrals.ground.directory.queries import countries_of_organisation, takes_referrals
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.sealed_columns import seal_column
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.protocols.service import refuse_uncovered
from referrals.ground.restrictions.queries import ended_organisations
from referrals.ground.row_security import acting_as_service
from referrals.ground.sweeps import sweep
from referrals.listening.line import queries
from referrals.listening.line.desk_service import audit
from referrals.listening.line.models import LineException, LineReport
from referrals.listening.line.schemas import CaseFromReport, MessageView, NewLineException
from referrals.listening.line.service import (
    Line,
    call_desk,
    read_as_desk,
    remember_report,
    take_back,
    tell_desk,
)

_AT_ONCE = 500


async def ask_exception(
    session: AsyncSession, caller: Principal, line: Line, report_id: UUID, body: NewLineException
) -> LineException:
    """Request the hand-over of a report without the reporter's wish; a second person decides."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    await _refuse_receiver(session, caller, report, body.organisation_id)
    key = await line.keys.of(report.id)
    exception_id = new_id()
    exception = LineException(
        id=exception_id,
        report_id=report.id,
        organisation_id=body.organisation_id,
        basis=body.basis,
        rationale=seal_column(
            key,
            body.rationale,
            organisation=body.organisation_id,
            row=exception_id,
            column="rationale",
        ),
        status="pending",
        requested_by=caller.subject,
        requested_at=clock.now(),
    )
    session.add(exception)
    await session.flush()
    await notify(
        session,
        [body.organisation_id],
        NoticeKind.LINE_EXCEPTION_ASKED,
        subject_type="line_exception",
        subject_id=exception.id,
        for_supervisor=True,
    )
    await audit(session, caller, "line.exception_asked", report, {"basis": body.basis})
    return exception


async def decide_exception(
    session: AsyncSession, caller: Principal, exception_id: UUID, *, approve: bool
) -> LineException:
    """Decide a request, as another coordinator of the desk or a supervisor of the receiving organisation."""
    async with acting_as_service(session):
        report = await queries.report_of_exception(session, exception_id)
    exception = await _one_exception(session, caller, exception_id)
    async with acting_as_service(session):
        exceptions_service.decide(exception, caller, approve=approve)
        await session.flush()
        if report is not None:
            if not approve:
                await remember_report(session, report)
            await audit(session, caller, f"line.exception_{exception.status}", report)
    return exception


async def _one_exception(
    session: AsyncSession, caller: Principal, exception_id: UUID
) -> LineException:
    exception = await queries.one_exception(session, caller, exception_id)
    if not await _spoken_for(session, caller, [exception]):
        raise NOT_FOUND.because("no_exception_that_concerns_you_has_this")
    return exception


async def exceptions(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> tuple[Sequence[LineException], UUID | None]:
    """Return a page, newest first, and the id after which the next page begins."""
    rows = await queries.exceptions(session, caller, before=before, limit=limit)
    last = rows[limit - 1].id if len(rows) > limit else None
    return await _spoken_for(session, caller, rows[:limit]), last


async def exceptions_to_decide(
    session: AsyncSession, caller: Principal, limit: int
) -> Sequence[LineException]:
    found = await queries.exceptions_to_decide(session, caller, limit)
    return await _spoken_for(session, caller, found)


async def _spoken_for(
    session: AsyncSession, caller: Principal, found: Sequence[LineException]
) -> list[LineException]:
    """Filter out exceptions on reports that implicate the caller's own organisation."""
    async with acting_as_service(session):
        against = await queries.against(
            session, caller.organisation, [each.report_id for each in found]
        )
    return [each for each in found if each.report_id not in against]


async def rationale_of(line: Line, exception: LineException) -> str | None:
    return await exceptions_service.rationale_of(
        line.keys,
        exception.rationale,
        under=exception.report_id,
        organisation=exception.organisation_id,
        row=exception.id,
    )


async def hand_over(
    session: AsyncSession,
    caller: Principal,
    report_id: UUID,
    organisation: UUID,
    exception_id: UUID | None,
) -> LineReport:
    """Let one organisation read the report and create a case from it."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    await _refuse_receiver(session, caller, report, organisation)
    if report.case_id is not None:
        raise CONFLICT.because("case_was_made_of_it_already")
    basis = queries.WISH
    if exception_id is not None:
        basis = await _approved_basis(session, caller, report, organisation, exception_id)
    elif not report.wants_case:
        raise NO_WISH.because("report_becomes_case_only_if_its_reporter")
    report.handed_to, report.handed_basis, report.handed_at = organisation, basis, clock.now()
    report.status, report.closed_reason = "handed_over", None
    await session.flush()
    await remember_report(session, report)
    await notify(
        session,
        [organisation],
        NoticeKind.LINE_REPORT_HANDED_OVER,
        subject_type="line_report",
        subject_id=report.id,
    )
    await audit(
        session, caller, "line.handed_over", report,
        {"basis": basis, "organisation": str(organisation)},
    )  # fmt: skip
    return report


async def _approved_basis(
    session: AsyncSession,
    caller: Principal,
    report: LineReport,
    organisation: UUID,
    exception_id: UUID,
) -> str:
    exception = await _one_exception(session, caller, exception_id)
    fits = exception.report_id == report.id and exception.organisation_id == organisation
    if not fits or exception.status != "approved":
        raise NO_WISH.because("exception_is_not_approved_for_this_report", pointer="/exception_id")
    return exception.basis


async def _refuse_receiver(
    session: AsyncSession, caller: Principal, report: LineReport, organisation: UUID
) -> None:
    if organisation in report.implicated:
        raise IMPLICATED.because("report_speaks_against_this_organisation")
    if not await takes_referrals(session, caller, organisation):
        raise NOT_REFERABLE.because(
            "this_organisation_has_no_service_in_directory", pointer="/organisation_id"
        )
    if report.area is not None:
        await refuse_uncovered(
            session,
            from_country=cases.country_of(report.area),
            to_countries=await countries_of_organisation(session, organisation),
            from_organisation=caller.organisation,
            to_organisation=organisation,
            on=clock.today(),
        )


async def read_handed(
    session: AsyncSession, caller: Principal, line: Line, report_id: UUID
) -> tuple[LineReport, list[MessageView]]:
    """Return a decrypted report that was handed over to the caller's organisation, and audit the access."""
    report = await queries.one_handed(session, caller, report_id)
    if report.handed_basis == queries.WISH and not report.wants_case:
        raise CONSENT_WITHDRAWN.because("reporter_has_taken_wish_back_thread")
    messages = await read_as_desk(session, line.keys, report)
    await audit(session, caller, "line.handed_report_read", report)
    return report, messages


async def give_back(
    session: AsyncSession, caller: Principal, report_id: UUID, reason: str
) -> LineReport:
    """Return the report to the desk, which looks for another organisation."""
    report = await queries.one_handed(session, caller, report_id, lock=True)
    if report.case_id is not None:
        raise CONFLICT.because("case_was_made_of_it_already")
    async with acting_as_service(session):
        await take_back(session, report)
        await audit(session, caller, "line.given_back", report, {"reason": reason})
        await tell_desk(session, report)
    return report


async def give_back_of_ended(database: Database) -> int:
    """Send back to their desks the reports from which an ended organisation created no case; return their number."""

    async def waiting(session: AsyncSession) -> Sequence[UUID]:
        ended = await ended_organisations(session)
        return await queries.handed_to_ended(session, ended, _AT_ONCE)

    async def work(session: AsyncSession, report_id: UUID) -> int:
        report = await queries.one_locked(session, report_id)
        ended = await ended_organisations(session)
        if report is None or report.case_id is not None or report.handed_to not in ended:
            return 0
        await take_back(session, report)
        await audit(session, None, "line.given_back", report, {"reason": "organisation_ended"})
        await tell_desk(session, report)
        await call_desk(session, report)
        return 1

    return await sweep("reports-of-ended", database, waiting, work)


async def end_for(session: AsyncSession, case_id: UUID, organisations: Collection[UUID]) -> None:
    """Return the report to the desk, because these organisations are implicated or lost the case. Requires service
    rights."""
    for report in await queries.handed_of_case(session, case_id, organisations):
        await take_back(session, report)


async def end_with_case(session: AsyncSession, case_id: UUID) -> None:
    """End the organisation's access to the report when its case ends. The desk and the reporter keep their access.
    Requires service rights."""
    for report in await queries.handed_of_case(session, case_id):
        await take_back(session, report, "closed")


async def make_case(
    session: AsyncSession,
    caller: Principal,
    line: Line,
    blind: BlindIndex,
    report_id: UUID,
    body: CaseFromReport,
) -> Case:
    """Register a case from a report that was handed over, if the wish or the exception is still valid."""
    report = await queries.one_handed(session, caller, report_id, lock=True)
    if report.case_id is not None:
        raise CONFLICT.because("case_was_made_of_it_already", case_id=str(report.case_id))
    if report.handed_basis == queries.WISH and not report.wants_case:
        raise NO_WISH.because("reporter_has_taken_wish_back")
    case = await cases.register(session, caller, line.keys, blind, body)
    report.case_id = case.id
    await session.flush()
    if report.implicated:
        await cases.set_implicated(session, caller, line.keys, case.id, set(report.implicated))
    await audit(session, caller, "line.case_made", report, {"basis": report.handed_basis})
    return case
