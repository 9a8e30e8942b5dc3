"""Queries for the anonymous line. A reporter finds a report only by locator; a desk sees reports in its AoRs that do
not implicate its organisation."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.sight import states_of
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.vocabulary.case_roles import works_with_cases
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.listening.line.models import LineException, LineMessage, LineReport

STATE_LEVEL = 1
WISH = "reporter_wish"
"""The basis of a hand-over without an exception."""
WAITING = ("new", "open")


async def lock_locator(session: AsyncSession, locator: bytes) -> None:
    """Serialise repeated submissions of one form."""
    number = int.from_bytes(locator[:8], "big", signed=True)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


async def by_locator(
    session: AsyncSession, locator: bytes, now: datetime, *, lock: bool = False
) -> LineReport | None:
    """Return a receipt's unexpired report. An expired report looks unknown. Requires service rights."""
    statement = sa.select(LineReport).where(
        col(LineReport.locator) == locator, col(LineReport.expires_at) > now
    )
    if lock:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def same_text_since(session: AsyncSession, digest: bytes, since: datetime) -> bool:
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(col(LineReport.text_digest) == digest, col(LineReport.received_at) > since)
        .limit(1)
    )
    return found is not None


async def messages_of(session: AsyncSession, report_id: UUID) -> Sequence[LineMessage]:
    rows = await session.scalars(
        sa.select(LineMessage)
        .where(col(LineMessage.report_id) == report_id)
        .order_by(col(LineMessage.number))
    )
    return rows.all()


def at_desk(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition for reports that this coordinator answers: reports in their AoRs and states that do not
    implicate their organisation."""
    near: sa.ColumnElement[bool] = sa.true()
    if caller.areas:
        near = sa.or_(
            col(LineReport.area).is_(None), col(LineReport.area).in_(states_of(caller.areas))
        )
    return sa.and_(
        col(LineReport.aor).in_(sorted(caller.aors)),
        near,
        sa.literal(caller.organisation, sa.Uuid) != sa.all_(col(LineReport.implicated)),
    )


async def desks(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, tuple[str, str | None]]:
    """Return the area of responsibility and the state of each report's desk, by report. Requires service rights."""
    if not ids:
        return {}
    columns = (col(LineReport.id), col(LineReport.aor), col(LineReport.area))
    rows = await session.execute(sa.select(*columns).where(col(LineReport.id).in_(ids)))
    return {found: (aor, area) for found, aor, area in rows}


async def queue(
    session: AsyncSession,
    caller: Principal,
    *,
    statuses: Sequence[str],
    area: str | None,
    kind: str | None,
    after: tuple[bool, datetime, UUID] | None,
    limit: int,
) -> Sequence[LineReport]:
    """Return urgent reports first, then the longest-waiting ones, up to `limit` + 1."""
    order = (sa.not_(col(LineReport.urgent)), col(LineReport.last_at), col(LineReport.id))
    statement = sa.select(LineReport).where(at_desk(caller), col(LineReport.status).in_(statuses))
    if area is not None:
        statement = statement.where(
            col(LineReport.area) == Places.load().at_most(area, STATE_LEVEL)
        )
    if kind is not None:
        statement = statement.where(col(LineReport.kind) == kind)
    if after is not None:
        values = (sa.literal(after[0]), sa.literal(after[1]), sa.literal(after[2], sa.Uuid))
        statement = statement.where(sa.tuple_(*order) > sa.tuple_(*values))
    return (await session.scalars(statement.order_by(*order).limit(limit + 1))).all()


async def of_desk(
    session: AsyncSession, caller: Principal, ids: Collection[UUID]
) -> dict[UUID, LineReport]:
    """Return which of the reports the caller answers; none unless the caller is a coordinator."""
    if Role.COORDINATOR not in caller.roles or not ids:
        return {}
    rows = await session.scalars(
        sa.select(LineReport).where(at_desk(caller), col(LineReport.id).in_(ids))
    )
    return {report.id: report for report in rows}


async def one_at_desk(
    session: AsyncSession, caller: Principal, report_id: UUID, *, lock: bool = False
) -> LineReport:
    statement = sa.select(LineReport).where(at_desk(caller), col(LineReport.id) == report_id)
    if lock:
        statement = statement.with_for_update()
    report = (await session.scalars(statement)).one_or_none()
    if report is None:
        raise NOT_FOUND.because("no_such_report_at_your_desk")
    return report


async def is_at_desk(session: AsyncSession, caller: Principal, report_id: UUID) -> bool:
    found = sa.select(sa.exists().where(at_desk(caller), col(LineReport.id) == report_id))
    return bool(await session.scalar(found))


def _handed_to(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition for reports handed over to the caller's organisation. Their status does not matter, because
    the desk closes a report at hand-over. An organisation that created a case from a report must learn whom it
    implicates."""
    handed: sa.ColumnElement[bool] = col(LineReport.handed_to) == caller.organisation
    return handed


def _wish_stands() -> sa.ColumnElement[bool]:
    """Return the condition that hides hand-overs by the reporter's wish once the wish is withdrawn."""
    return sa.or_(col(LineReport.handed_basis) != WISH, col(LineReport.wants_case))


async def handed(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> Sequence[LineReport]:
    statement = sa.select(LineReport).where(_handed_to(caller), _wish_stands())
    if before is not None:
        statement = statement.where(col(LineReport.id) < before)
    rows = await session.scalars(statement.order_by(col(LineReport.id).desc()).limit(limit + 1))
    return rows.all()


async def handed_to_ended(
    session: AsyncSession, ended: Collection[UUID], limit: int
) -> Sequence[UUID]:
    """Return reports that are waiting for a case at organisations that have ended. Requires service rights."""
    rows = await session.scalars(
        sa.select(col(LineReport.id))
        .where(col(LineReport.handed_to).in_(ended), col(LineReport.case_id).is_(None))
        .order_by(col(LineReport.id))
        .limit(limit)
    )
    return rows.all()


async def handed_of_case(
    session: AsyncSession, case_id: UUID, organisations: Collection[UUID] | None = None
) -> Sequence[LineReport]:
    """Return the reports that became the case and are with one of these organisations, locked. Requires service
    rights."""
    handed_to = col(LineReport.handed_to)
    among = handed_to.is_not(None) if organisations is None else handed_to.in_(organisations)
    rows = await session.scalars(
        sa.select(LineReport)
        .where(col(LineReport.case_id) == case_id, among)
        .order_by(col(LineReport.id))
        .with_for_update()
    )
    return rows.all()


async def one_handed(
    session: AsyncSession, caller: Principal, report_id: UUID, *, lock: bool = False
) -> LineReport:
    statement = sa.select(LineReport).where(_handed_to(caller), col(LineReport.id) == report_id)
    if lock:
        statement = statement.with_for_update()
    report = (await session.scalars(statement)).one_or_none()
    if report is None:
        raise NOT_FOUND.because("no_such_report_was_handed")
    return report


def readable(caller: Principal, report_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the report is at the caller's desk, or was handed over to their organisation, even
    if the wish was withdrawn."""
    theirs = _handed_to(caller) if works_with_cases(caller) else sa.false()
    if Role.COORDINATOR in caller.roles:
        theirs = sa.or_(theirs, at_desk(caller))
    return sa.exists().where(col(LineReport.id) == report_id, theirs)


def told_of(organisation: UUID, report_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the organisation gets messages about this report: it took or received the report,
    and is not implicated. See `readable`."""
    at_it = sa.literal(organisation, sa.Uuid)
    return sa.exists().where(
        col(LineReport.id) == report_id,
        at_it.in_([col(LineReport.taken_organisation), col(LineReport.handed_to)]),
        at_it != sa.all_(col(LineReport.implicated)),
    )


def told_of_exception(
    organisation: UUID, exception_id: sa.ColumnElement[UUID]
) -> sa.ColumnElement[bool]:
    """Return the `told_of` condition for an exception, for the organisation that would receive the report."""
    return sa.exists().where(
        col(LineException.id) == exception_id,
        col(LineException.organisation_id) == organisation,
        col(LineReport.id) == col(LineException.report_id),
        sa.literal(organisation, sa.Uuid) != sa.all_(col(LineReport.implicated)),
    )


def readable_exception(
    caller: Principal, exception_id: sa.ColumnElement[UUID]
) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(LineException.id) == exception_id, _concerns(caller))


async def exceptions(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> Sequence[LineException]:
    """Return exceptions at the caller's desk, and exceptions that would hand over a report to the caller."""
    statement = sa.select(LineException).where(_concerns(caller))
    if before is not None:
        statement = statement.where(col(LineException.id) < before)
    rows = await session.scalars(statement.order_by(col(LineException.id).desc()).limit(limit + 1))
    return rows.all()


async def one_exception(
    session: AsyncSession, caller: Principal, exception_id: UUID
) -> LineException:
    statement = sa.select(LineException).where(
        _concerns(caller), col(LineException.id) == exception_id
    )
    found = (await session.scalars(statement.with_for_update())).one_or_none()
    if found is None:
        raise NOT_FOUND.because("no_exception_that_concerns_you_has_this")
    return found


async def one_locked(session: AsyncSession, report_id: UUID) -> LineReport | None:
    """Return a report, locked. Requires service rights."""
    statement = sa.select(LineReport).where(col(LineReport.id) == report_id).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def existing(session: AsyncSession, ids: Collection[UUID]) -> list[UUID]:
    """Return which of the ids belong to reports. Requires service rights."""
    asked = col(LineReport.id) == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
    return sorted(await session.scalars(sa.select(col(LineReport.id)).where(asked)))


async def ask_no_more(session: AsyncSession, report: LineReport) -> None:
    """Delete requests to hand over the report to an implicated organisation, because the feed and stored responses
    would reveal the accusation. The audit keeps them."""
    await session.execute(
        sa.delete(LineException).where(
            col(LineException.report_id) == report.id,
            col(LineException.organisation_id).in_(report.implicated),
        )
    )


async def refused_exceptions(session: AsyncSession, report_id: UUID) -> list[UUID]:
    """Return the refused exceptions of a report."""
    those = col(LineException.report_id) == report_id, col(LineException.status) == "refused"
    return sorted(await session.scalars(sa.select(col(LineException.id)).where(*those)))


async def report_of_exception(session: AsyncSession, exception_id: UUID) -> LineReport | None:
    """Return an exception's report, locked before the exception, in the same order as `set_implicated`. Requires
    service rights."""
    asked = (
        col(LineReport.id) == col(LineException.report_id),
        col(LineException.id) == exception_id,
    )
    statement = sa.select(LineReport).where(*asked).with_for_update(of=LineReport)
    return (await session.scalars(statement)).one_or_none()


async def refuse_again(session: AsyncSession, report_id: UUID, refused: Collection[UUID]) -> int:
    """After a restore, refuse exceptions that are pending again; return their number. Requires service rights."""
    done = await session.scalars(
        sa.update(LineException)
        .where(
            col(LineException.report_id) == report_id,
            col(LineException.id).in_(refused),
            col(LineException.status) != "refused",
        )
        .values(status="refused")
        .returning(col(LineException.id))
    )
    return len(done.all())


async def may_receive(session: AsyncSession, caller: Principal, report_id: UUID) -> bool:
    """Return whether somebody requested to hand over this report to the caller's organisation."""
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(
            col(LineException.report_id) == report_id,
            col(LineException.organisation_id) == caller.organisation,
        )
        .limit(1)
    )
    return found is not None


def _concerns(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition that the caller is a coordinator of the desk, or a supervisor of the organisation that would
    receive the report."""
    found: list[sa.ColumnElement[bool]] = []
    if Role.COORDINATOR in caller.roles:
        at_own_desk = sa.select(col(LineReport.id)).where(at_desk(caller))
        found.append(col(LineException.report_id).in_(at_own_desk))
    if Role.SUPERVISOR in caller.roles:
        found.append(col(LineException.organisation_id) == caller.organisation)
    return sa.or_(sa.false(), *found)


async def against(
    session: AsyncSession, organisation: UUID, reports: Collection[UUID]
) -> set[UUID]:
    """Return the reports that implicate the organisation. Requires service rights."""
    return set(
        await session.scalars(
            sa.select(col(LineReport.id)).where(
                col(LineReport.id).in_(reports),
                sa.literal(organisation, sa.Uuid) == sa.any_(col(LineReport.implicated)),
            )
        )
    )


async def expired(session: AsyncSession, now: datetime, limit: int) -> Sequence[UUID]:
    rows = await session.scalars(
        sa.select(col(LineReport.id)).where(col(LineReport.expires_at) <= now).limit(limit)
    )
    return rows.all()


async def exceptions_to_decide(
    session: AsyncSession, caller: Principal, limit: int
) -> Sequence[LineException]:
    """Return exceptions that are waiting for a decision by somebody other than the requester, oldest first."""
    rows = await session.scalars(
        sa.select(LineException)
        .where(
            _concerns(caller),
            col(LineException.status) == "pending",
            col(LineException.requested_by) != caller.subject,
        )
        .order_by(col(LineException.id))
        .limit(limit)
    )
    return rows.all()


def waiting_at_desk(caller: Principal) -> Waiting:
    """Return the queue of a coordinator's desk. An urgent report is due on arrival."""
    return Waiting(
        kind=WorkKind.LINE_REPORT,
        what=sa.select(*_SHORT).where(at_desk(caller), col(LineReport.status).in_(WAITING)),
        id=col(LineReport.id),
        since=col(LineReport.last_at),
        due=sa.case((col(LineReport.urgent), col(LineReport.last_at))),
        has_it=col(LineReport.taken_by),
        urgency=sa.case((col(LineReport.urgent), "urgent"), else_="routine"),
        aor=col(LineReport.aor),
        shown=_row,
    )


def waiting_handed(caller: Principal) -> Waiting:
    """Return the reports handed over to the caller's organisation that are not yet cases."""
    return Waiting(
        kind=WorkKind.REPORT_HANDED_OVER,
        what=sa.select(*_SHORT).where(
            _handed_to(caller), _wish_stands(), col(LineReport.case_id).is_(None)
        ),
        id=col(LineReport.id),
        since=col(LineReport.last_at),
        due=sa.case((col(LineReport.urgent), col(LineReport.last_at))),
        urgency=sa.case((col(LineReport.urgent), "urgent"), else_="routine"),
        aor=col(LineReport.aor),
        shown=_row,
    )


_SHORT = (
    col(LineReport.id),
    col(LineReport.kind),
    col(LineReport.aor),
    col(LineReport.area),
    col(LineReport.urgent),
    col(LineReport.status),
    col(LineReport.last_at),
)


def _row(report: Any) -> WorkRow:
    return WorkRow(
        id=report.id,
        since=report.last_at,
        ids={"report_id": report.id},
        urgency="urgent" if report.urgent else "routine",
        about=report.kind,
        aor=report.aor,
        area=report.area,
        state=report.status,
    )


async def count_urgent_unreached(
    session: AsyncSession,
    since: datetime,
    until: datetime,
    reached: Callable[[Any], sa.ColumnElement[bool]],
) -> int:
    """Count urgent reports in this period for which nobody at a desk was reached. Requires service rights."""
    found = await session.scalar(
        sa.select(sa.func.count(col(LineReport.id))).where(
            col(LineReport.urgent),
            col(LineReport.status).in_(("new", "suspected")),
            col(LineReport.received_at).between(since, until),
            sa.not_(reached(col(LineReport.id))),
        )
    )
    return found or 0
