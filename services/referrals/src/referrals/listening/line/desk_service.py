"""The desk's side of the anonymous line, where coordinators triage and answer reports in their areas of
responsibility."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.audit.service import record
from referrals.ground.row_security import acting_as_service
from referrals.listening.line import queries
from referrals.listening.line.kinds import kinds
from referrals.listening.line.models import LineReport
from referrals.listening.line.schemas import Closing, MessageView, Rerouting
from referrals.listening.line.service import (
    Line,
    announce,
    call_desk,
    read_as_desk,
    remember_report,
    take_back,
    tell_desk,
    write,
)


async def read(
    session: AsyncSession, caller: Principal, line: Line, report_id: UUID
) -> tuple[LineReport, list[MessageView]]:
    report = await queries.one_at_desk(session, caller, report_id)
    messages = await read_as_desk(session, line.keys, report)
    await audit(session, caller, "line.report_read", report)
    return report, messages


async def answer(
    session: AsyncSession, caller: Principal, line: Line, report_id: UUID, text: str
) -> LineReport:
    """Answer in the thread, the only channel to the reporter."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    await _begin(session, caller, report)
    await write(session, line, report, "desk", text, clock.now())
    await audit(session, caller, "line.answered", report)
    return report


async def take(session: AsyncSession, caller: Principal, report_id: UUID) -> LineReport:
    """Assign the report to the caller; a colleague may later take it over."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    await _begin(session, caller, report)
    report.taken_by, report.taken_organisation = caller.subject, caller.organisation
    await session.flush()
    await audit(session, caller, "line.taken", report)
    return report


async def _begin(session: AsyncSession, caller: Principal, report: LineReport) -> None:
    if report.status == "suspected":
        await announce(session, report)
    if report.status in ("new", "suspected", "spam", "closed"):
        report.status, report.closed_reason = "open", None
    if report.taken_by is None:
        report.taken_by, report.taken_organisation = caller.subject, caller.organisation


async def put_aside(
    session: AsyncSession, caller: Principal, report_id: UUID, *, spam: bool
) -> LineReport:
    """Decide on a suspicion. Spam remains on record until its thread expires, and can be restored."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    if report.handed_to is not None or report.case_id is not None:
        raise CONFLICT.because("report_was_handed_over_take_it_back")
    was_suspected = report.status == "suspected"
    report.status = "spam" if spam else "open"
    if was_suspected and not spam:
        await announce(session, report)
    await session.flush()
    await audit(session, caller, "line.spam" if spam else "line.not_spam", report)
    return report


async def reroute(
    session: AsyncSession, caller: Principal, report_id: UUID, body: Rerouting
) -> LineReport:
    """Change the report's kind or state, and therefore its desk."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    former = report.aor
    async with acting_as_service(session):  # the report may become invisible to the caller
        report.kind, report.aor = body.kind, kinds()[body.kind].aor
        if body.area is not None:
            report.area = Places.load().at_most(body.area, queries.STATE_LEVEL)
        if report.aor != former:
            report.taken_by = report.taken_organisation = None
        await session.flush()
        if report.aor != former:
            await call_desk(session, report)
        await remember_report(session, report)
        await audit(session, caller, "line.rerouted", report, {"from": former, "to": report.aor})
    return report


async def implicate(
    session: AsyncSession, caller: Principal, report_id: UUID, organisations: list[UUID]
) -> LineReport:
    """Mark organisations that the report implicates; they can no longer see it. The organisation that has the report
    gets a notice, and marks them in its case."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    async with acting_as_service(session):
        await set_implicated(session, caller, report, set(organisations))
    return report


async def set_implicated(
    session: AsyncSession, caller: Principal | None, report: LineReport, organisations: set[UUID]
) -> None:
    """Mark the implicated organisations. Requires service rights. After a restore there is no `caller`."""
    report.implicated = sorted(organisations)
    if report.handed_to in report.implicated:
        await take_back(session, report)
    await queries.ask_no_more(session, report)
    await tell_desk(session, report)
    await session.flush()
    await remember_report(session, report)
    await audit(session, caller, "line.implicated_set", report, {"count": len(report.implicated)})


async def hold_to_word(session: AsyncSession, report_id: UUID, word: Mapping[str, Any]) -> int:
    """After a restore, give the report its later desk and state again, and revoke again what was revoked: the reporter's
    wish, the hand-over, an exception. Requires service rights."""
    report = await queries.one_locked(session, report_id)
    if report is None:
        return 0
    handed = str(report.handed_to) if report.handed_to is not None else None
    refused = [UUID(each) for each in word.get("refused", ())]
    held = {
        "wish": report.wants_case and bool(word.get("no_case")),
        "desk": word.get("aor", report.aor) != report.aor,
        "state": word.get("area", report.area) != report.area,
        "handed": handed is not None and handed != word.get("handed"),
        # The organisation first had the report under an exception, and later only by the reporter's wish.
        "basis": handed is not None and "by_wish" in word and report.handed_basis != queries.WISH,
        "refused": await queries.refuse_again(session, report_id, refused) > 0,
    }
    accused = {UUID(each) for each in word.get("organisations", ())} - set(report.implicated)
    if held["wish"]:
        report.wants_case = False
    if held["desk"]:
        report.aor = word["aor"]
    if held["state"]:
        report.area = word["area"]
    if held["handed"]:
        await take_back(session, report)
    elif held["basis"]:
        report.handed_basis = queries.WISH
    if any(held.values()):
        await session.flush()
        await remember_report(session, report)
        await tell_desk(session, report)
    if accused:
        await set_implicated(session, None, report, accused | set(report.implicated))
    return int(any(held.values()) or bool(accused))


async def close(
    session: AsyncSession, caller: Principal, report_id: UUID, body: Closing
) -> LineReport:
    """Close the report; a new message reopens it. The organisation that has the report can still read it if the reason
    is `handed_over`, or if it created a case from the report."""
    report = await queries.one_at_desk(session, caller, report_id, lock=True)
    if body.reason != "handed_over" and report.case_id is None and report.handed_to is not None:
        await take_back(session, report)
    report.status, report.closed_reason = "closed", body.reason
    await session.flush()
    await audit(session, caller, "line.closed", report, {"reason": body.reason})
    return report


async def audit(
    session: AsyncSession,
    caller: Principal | None,
    action: str,
    report: LineReport,
    detail: dict[str, object] | None = None,
) -> None:
    """Write to the audit; each report has its own chain, with only ids and codes."""
    await record(session, caller, action, chain=report.id, target_type="line_report", detail=detail)
