"""The reporter's side of the anonymous line. It records nothing about the reporter: no audit entry, no address, no
client."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.crypto import CannotOpen
from common.db.session import Database
from common.errors import CONFLICT
from common.events.referrals import LineReportReceived
from common.http.answers import forget_answers
from common.ids import new_id
from common.messaging import append, forget_persons
from common.words.places import Places
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.errors import FORM_TOO_OLD, NO_ACCOUNT_HERE, NO_THREAD
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.people.queries import coordinators
from referrals.ground.restrictions import service as restrictions
from referrals.ground.restrictions.words import Kind, accusing
from referrals.ground.row_security import acting_as_service
from referrals.ground.sweeps import sweep
from referrals.listening.line import queries, threads
from referrals.listening.line.gate import ReceiptGate
from referrals.listening.line.kinds import kinds
from referrals.listening.line.models import LineException, LineMessage, LineReport
from referrals.listening.line.receipts import BadForm, Form, Unlocked
from referrals.listening.line.schemas import MessageView, NewReport, ThreadView
from referrals.listening.line.threads import SAME_TEXT_WITHIN, signs
from referrals.listening.line.watch import Watch
from referrals.tables import COMMON

SHOWN_AGAIN = timedelta(days=1)
"""A repeated form shows its receipt again for this long, since a connection may break. Later a form that somebody
finds reveals nothing."""
_MOST_MESSAGES = 500
_UNANSWERED = ("new", "suspected", "open")


@dataclass(frozen=True)
class Line:
    """The anonymous line's dependencies: desk keys, receipts, the lifetime of threads, and the people on duty."""

    keys: CaseKeys
    gate: ReceiptGate
    days: int
    watch: Watch


@dataclass(frozen=True)
class Opened:
    """A report with the reporter's key, which only its receipt opens."""

    report: LineReport
    private: X25519PrivateKey


def refuse_accounts(caller: Principal) -> None:
    """Refuse tokens: a token would identify the reporter, and a stored response would contain the receipt."""
    if not caller.anonymous:
        raise NO_ACCOUNT_HERE.because("reports_are_taken_without_account_here_sign")


async def receive(
    session: AsyncSession, line: Line, body: NewReport, trap: str = ""
) -> tuple[str, datetime]:
    """Store a report; return its receipt and its expiry. A repeated form returns the same receipt, and adds its text if
    the text differs."""
    now = clock.now()
    form = _form(line, body.form, now)
    receipt = line.gate.receipts.receipt_of(form)
    unlocked = await line.gate.unlock(receipt)
    async with acting_as_service(session):
        await queries.lock_locator(session, unlocked.locator)
        report = await queries.by_locator(session, unlocked.locator, now, lock=True)
        if report is None:
            report = await _new_report(session, line, body, form, unlocked, trap)
        elif now - report.received_at > SHOWN_AGAIN:
            raise FORM_TOO_OLD.because("was_received_before_and_its_receipt", pointer="/form")
        elif not await _said_before(session, report, unlocked, body.text):
            await _say(session, line, report, body.text, now)
        return receipt, report.expires_at


def _form(line: Line, token: str, now: datetime) -> Form:
    try:
        return line.gate.receipts.read_form(token, now)
    except BadForm as error:
        raise FORM_TOO_OLD.because("nothing_was_kept", pointer="/form") from error


async def _new_report(
    session: AsyncSession, line: Line, body: NewReport, form: Form, unlocked: Unlocked, trap: str
) -> LineReport:
    now, report_id = clock.now(), new_id()
    digest = line.gate.receipts.text_digest(body.text)
    seen = await queries.same_text_since(session, digest, now - SAME_TEXT_WITHIN)
    odd = signs(body.text, trap=trap, issued_at=form.issued_at, now=now, same_text_before=seen)
    await line.keys.create(report_id)
    public, sealed = threads.new_reporter_key(report_id, unlocked.key)
    report = LineReport(
        id=report_id,
        locator=unlocked.locator,
        public_key=public,
        reporter_key=sealed,
        kind=body.kind,
        aor=kinds()[body.kind].aor,
        area=Places.load().at_most(body.area, queries.STATE_LEVEL) if body.area else None,
        urgent=body.urgent,
        wants_case=body.wants_case,
        language=body.language,
        status="suspected" if odd else "new",
        suspected=odd,
        text_digest=digest,
        implicated=[],
        messages=0,
        received_at=now,
        last_at=now,
        expires_at=now + timedelta(days=line.days),
    )
    session.add(report)
    await session.flush()
    await write(session, line, report, "reporter", body.text, now)
    if not odd:
        await announce(session, report)
    await call_desk(session, report)
    return report


async def call_desk(session: AsyncSession, report: LineReport) -> None:
    """Notify the desk's coordinators that somebody is in danger, as in an emergency. This includes suspected robots,
    because people in a hurry can look like robots. Requires service rights."""
    if not report.urgent or report.status not in _UNANSWERED:
        return
    at_desk = [
        person.organisation
        for person in await coordinators(session, report.aor)
        if await queries.is_at_desk(session, person, report.id)
    ]
    await notify(
        session,
        at_desk,
        NoticeKind.LINE_REPORT_URGENT,
        subject_type="line_report",
        subject_id=report.id,
    )


async def told_at(
    session: AsyncSession, line: Line, now: datetime, body: NewReport | None = None
) -> datetime | None:
    """Return the time by which the people on duty are notified that somebody is in danger; None if nobody is notified.
    Before the kind of report is known, return the slowest desk's time."""
    if body is None:
        return await line.watch.told_at(session, {kind.aor for kind in kinds().values()}, None, now)
    area = Places.load().at_most(body.area, queries.STATE_LEVEL) if body.area else None
    return await line.watch.told_at(session, {kinds()[body.kind].aor}, area, now)


async def announce(session: AsyncSession, report: LineReport) -> None:
    """Publish the event that counts the report. It contains only codes."""
    await append(
        session,
        COMMON,
        LineReportReceived(
            report_id=report.id,
            version=1,
            area=report.area,
            kind=report.kind,
            occurred_at=report.received_at,
        ),
    )


async def _said_before(
    session: AsyncSession, report: LineReport, unlocked: Unlocked, text: str
) -> bool:
    opened = Opened(report, _private(report, unlocked))
    return text in [m.text for m in await _read(session, opened) if m.author == "reporter"]


async def write(
    session: AsyncSession, line: Line, report: LineReport, author: str, text: str, now: datetime
) -> None:
    """Add a message, once for each side, and extend the thread's lifetime."""
    desk_key = await line.keys.of(report.id)
    report.messages += 1
    report.last_at = now
    report.expires_at = now + timedelta(days=line.days)
    session.add(
        LineMessage(
            report_id=report.id,
            number=report.messages,
            author=author,
            desk_copy=threads.for_desk(text, report.id, report.messages, desk_key),
            reporter_copy=threads.for_reporter(text, report.id, report.messages, report.public_key),
            at=now,
        )
    )
    await session.flush()


async def open_thread(
    session: AsyncSession, line: Line, receipt: str, *, lock: bool = False
) -> Opened:
    """Return a receipt's report. A wrong receipt and an expired one get the same 404 response after the same time.
    Requires service rights."""
    unlocked = await line.gate.unlock(receipt)
    report = await queries.by_locator(session, unlocked.locator, clock.now(), lock=lock)
    if report is None:
        raise NO_THREAD.because("number_is_wrong_or_its_thread")
    return Opened(report, _private(report, unlocked))


def _private(report: LineReport, unlocked: Unlocked) -> X25519PrivateKey:
    try:
        return threads.open_reporter_key(report.id, report.reporter_key, unlocked.key)
    except CannotOpen as error:
        raise NO_THREAD.because("number_is_wrong_or_its_thread") from error


async def read_thread(session: AsyncSession, line: Line, receipt: str) -> ThreadView:
    async with acting_as_service(session):
        return await _view(session, await open_thread(session, line, receipt))


async def add_message(session: AsyncSession, line: Line, receipt: str, text: str) -> ThreadView:
    """Add the reporter's message; store a repeated form's text only once."""
    async with acting_as_service(session):
        opened = await open_thread(session, line, receipt, lock=True)
        said = await _read(session, opened)
        if not said or said[-1].text != text or said[-1].author != "reporter":
            await _heard(session, opened.report)
            await _say(session, line, opened.report, text, clock.now())
        return await _view(session, opened)


async def _heard(session: AsyncSession, report: LineReport) -> None:
    """Clear a suspicion: a reporter who returns with the receipt and writes is no robot. The desk then sees the
    messages."""
    if report.status == "suspected":
        await announce(session, report)
        report.status = "new"
    elif report.status == "spam":
        report.status = "open"


async def _say(
    session: AsyncSession, line: Line, report: LineReport, text: str, now: datetime
) -> None:
    if report.messages >= _MOST_MESSAGES:
        raise CONFLICT.because("thread_is_full_please_begin_new_report")
    await write(session, line, report, "reporter", text, now)
    if report.status == "closed":
        report.status, report.closed_reason = "open", None
    if report.taken_by is None:
        await call_desk(session, report)
    await tell_desk(session, report)


async def tell_desk(session: AsyncSession, report: LineReport) -> None:
    """Notify the desk with the report's id only. Skip implicated organisations, which would otherwise learn when the
    reporter writes."""
    told = {report.taken_organisation, report.handed_to} - {None, *report.implicated}
    await notify(
        session,
        [organisation for organisation in told if organisation is not None],
        NoticeKind.LINE_REPORT_CHANGED,
        subject_type="line_report",
        subject_id=report.id,
    )


async def set_wish(session: AsyncSession, line: Line, receipt: str, wants_case: bool) -> ThreadView:
    """Set whether the reporter wants a case. They can revoke the wish until a case exists."""
    async with acting_as_service(session):
        opened = await open_thread(session, line, receipt, lock=True)
        if opened.report.wants_case != wants_case:
            opened.report.wants_case = wants_case
            await remember_report(session, opened.report)
            await tell_desk(session, opened.report)
        await session.flush()
        return await _view(session, opened)


async def remember_report(session: AsyncSession, report: LineReport) -> None:
    """Record the implicated organisations, a revoked wish, the desk, the hand-over and refused exceptions for a later
    restore."""
    word: dict[str, Any] = {**accusing(report.implicated), "aor": report.aor}
    if report.area is not None:
        word["area"] = report.area
    if not report.wants_case:
        word["no_case"] = True
    if report.handed_to is not None:
        word["handed"] = str(report.handed_to)
    if report.handed_basis == queries.WISH:
        word["by_wish"] = True
    if refused := await queries.refused_exceptions(session, report.id):
        word["refused"] = [str(each) for each in refused]
    await restrictions.remember_word(session, Kind.LINE_REPORT, report.id, word)


async def take_back(session: AsyncSession, report: LineReport, status: str = "open") -> None:
    """Revoke the hand-over; only the desk can read the report from now on."""
    report.handed_to = report.handed_basis = report.handed_at = None
    report.status = status
    await session.flush()
    await remember_report(session, report)


async def delete_thread(session: AsyncSession, line: Line, receipt: str) -> None:
    """Delete the report and destroy its desk key. A case created from it follows the rules for cases."""
    async with acting_as_service(session):
        opened = await open_thread(session, line, receipt, lock=True)
        await tell_desk(session, opened.report)
        await forget(session, line.keys, opened.report.id)


async def forget(session: AsyncSession, keys: CaseKeys, report_id: UUID) -> None:
    """Destroy the desk key first. If the rest fails, nothing is readable and a retry completes the deletion."""
    await keys.destroy(report_id)
    await forget_answers(session, COMMON, report_id)
    await forget_persons(session, COMMON, [report_id])
    for table in (LineMessage, LineException):
        await session.execute(sa.delete(table).where(col(table.report_id) == report_id))
    await session.execute(sa.delete(LineReport).where(col(LineReport.id) == report_id))
    await restrictions.forget_subject(session, report_id)


async def forget_again(session: AsyncSession, keys: CaseKeys, report_ids: Collection[UUID]) -> int:
    """Delete again the threads that a restored backup brought back; return their number. Requires service rights."""
    there = await queries.existing(session, report_ids)
    for report_id in there:
        await forget(session, keys, report_id)
    return len(there)


async def _view(session: AsyncSession, opened: Opened) -> ThreadView:
    report = opened.report
    return ThreadView(
        kind=report.kind,
        status=_told(report.status),
        wants_case=report.wants_case,
        received_at=report.received_at,
        readable_until=report.expires_at,
        messages=await _read(session, opened),
    )


def _told(status: str) -> str:
    """Return the state to show the reporter, which hides any suspicion of being a robot."""
    return {"suspected": "new", "spam": "closed"}.get(status, status)


async def _read(session: AsyncSession, opened: Opened) -> list[MessageView]:
    return [
        MessageView(
            number=message.number,
            author="desk" if message.author == "desk" else "reporter",
            at=message.at,
            text=threads.as_reporter(
                message.reporter_copy, message.report_id, message.number, opened.private
            ),
        )
        for message in await queries.messages_of(session, opened.report.id)
    ]


async def read_as_desk(
    session: AsyncSession, keys: CaseKeys, report: LineReport
) -> list[MessageView]:
    """Return the desk's copies of the messages, without texts once the desk key is destroyed."""
    try:
        key = await keys.of(report.id)
    except KeyDestroyed:
        key = None
    return [
        MessageView(
            number=message.number,
            author="desk" if message.author == "desk" else "reporter",
            at=message.at,
            text=None
            if key is None
            else threads.as_desk(message.desk_copy, report.id, message.number, key),
        )
        for message in await queries.messages_of(session, report.id)
    ]


_BATCH = 200


async def forget_expired(database: Database, keys: CaseKeys, now: datetime) -> int:
    """Delete expired threads; return their number."""
    ended = partial(queries.expired, now=now, limit=_BATCH)
    return await sweep("threads", database, ended, partial(_forget, keys=keys))


async def _forget(session: AsyncSession, report_id: UUID, *, keys: CaseKeys) -> int:
    await forget(session, keys, report_id)
    return 1
