"""Reads grants and exceptions."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.consents.decision import ENDING_AHEAD, EXPIRED, STANDINGS, Standing, status_at
from referrals.case.consents.models import DisclosureException, Grant
from referrals.ground.locking_queries import held
from referrals.ground.search_queries import Searchable
from referrals.ground.vocabulary.ages import Decider
from referrals.ground.vocabulary.case_roles import works_with_cases
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow


async def own_grant(
    session: AsyncSession, caller: Principal, grant_id: UUID, *, lock: bool = False
) -> Grant:
    """Return the caller's consent, or raise 404. `lock` locks its case until the transaction ends."""
    statement = sa.select(Grant).where(
        col(Grant.id) == grant_id, col(Grant.organisation_id) == caller.organisation
    )
    if lock:
        statement = statement.where(held(col(Grant.case_id))).with_for_update()
        statement = statement.execution_options(populate_existing=True)
    grant: Grant | None = (await session.scalars(statement)).one_or_none()
    if grant is None:
        raise NOT_FOUND.because("no_such_consent_in_your_organisation")
    return grant


_T = TypeVar("_T", Grant, DisclosureException)


async def by_ids(session: AsyncSession, table: type[_T], ids: Collection[UUID]) -> Sequence[_T]:
    """Return grants or exceptions of any organisation. Requires service rights."""
    return (await session.scalars(sa.select(table).where(col(table.id).in_(ids)))).all()


async def given_to(session: AsyncSession, case_id: UUID, organisation: UUID) -> Grant | None:
    """Return the person's last consent to transfer the whole case to this organisation. Requires service rights."""
    statement = sa.select(Grant).where(
        col(Grant.case_id) == case_id,
        col(Grant.kind) == "transfer",
        col(Grant.recipient_organisation_id) == organisation,
        col(Grant.status) == "active",
    )
    return (await session.scalars(statement.order_by(col(Grant.id).desc()).limit(1))).first()


def readable(caller: Principal, grant_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Grant.id) == grant_id, col(Grant.organisation_id) == caller.organisation
    )


def readable_exception(
    caller: Principal, exception_id: sa.ColumnElement[UUID]
) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(DisclosureException.id) == exception_id,
        col(DisclosureException.organisation_id) == caller.organisation,
    )


async def own_exception(
    session: AsyncSession, caller: Principal, exception_id: UUID, *, lock: bool = False
) -> DisclosureException:
    statement = sa.select(DisclosureException).where(
        col(DisclosureException.id) == exception_id,
        col(DisclosureException.organisation_id) == caller.organisation,
    )
    if lock:
        statement = statement.where(held(col(DisclosureException.case_id))).with_for_update()
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise NOT_FOUND.because("no_such_exception_in_your_organisation")
    return found


async def grants(
    session: AsyncSession,
    caller: Principal,
    *,
    case_id: UUID | None,
    statuses: Sequence[str] = (),
    mine_to_decide: bool = False,
    before: UUID | None,
    limit: int,
) -> Sequence[Grant]:
    statement = sa.select(Grant).where(col(Grant.organisation_id) == caller.organisation)
    if statuses:
        statement = statement.where(status_now().in_(statuses))
    if mine_to_decide:
        statement = statement.where(_to_decide(Grant, caller))
    if case_id is not None:
        statement = statement.where(col(Grant.case_id) == case_id)
    if before is not None:
        statement = statement.where(col(Grant.id) < before)
    return (await session.scalars(statement.order_by(col(Grant.id).desc()).limit(limit + 1))).all()


def status_now() -> sa.ColumnElement[str]:
    """Return `decision.status_at` as SQL; a test keeps the two in agreement."""
    ended = [each for each, standing in STANDINGS.items() if standing is Standing.ENDED]
    over = sa.and_(col(Grant.status).not_in(ended), col(Grant.valid_until) <= clock.now())
    return sa.case((over, EXPIRED), else_=col(Grant.status))


def searchable(caller: Principal) -> Searchable:
    columns: dict[str, Any] = {
        name: col(getattr(Grant, name)) for name in ("id", "case_id", "given_at")
    }
    status = columns["status"] = status_now()
    columns["changed_at"] = sa.func.greatest(
        col(Grant.created_at),
        col(Grant.approved_at),
        col(Grant.withdrawn_at),
        sa.case((status == EXPIRED, col(Grant.valid_until))),
    )
    rows = sa.select(Grant).where(col(Grant.organisation_id) == caller.organisation)
    return Searchable(rows, columns)


def changed_at(grant: Grant) -> datetime:
    """Return when the consent got its current status, like the column of that name in `searchable`."""
    ended = status_at(grant.status, grant.valid_until, clock.now()) == EXPIRED
    expired_at = grant.valid_until if ended else None
    return max(filter(None, (grant.created_at, grant.approved_at, grant.withdrawn_at, expired_at)))


def _to_decide(
    kind: type[Grant] | type[DisclosureException], caller: Principal
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a decision is waiting for a supervisor other than the requester, and that the
    caller is one."""
    if Role.SUPERVISOR not in caller.roles:
        return sa.false()
    return sa.and_(
        col(kind.organisation_id) == caller.organisation,
        (status_now() if kind is Grant else col(kind.status)) == "pending",
        col(kind.requested_by) != caller.subject,
    )


async def exceptions(
    session: AsyncSession,
    caller: Principal,
    *,
    statuses: Sequence[str] = (),
    mine_to_decide: bool = False,
    before: UUID | None,
    limit: int,
) -> Sequence[DisclosureException]:
    """Return exceptions of the caller's organisation, if the caller works with cases. A coordinator gets the exceptions
    of their AoRs and of cases that they look into; this requires service rights."""
    shown: list[sa.ColumnElement[bool]] = [sa.false()]
    if works_with_cases(caller):
        shown.append(col(DisclosureException.organisation_id) == caller.organisation)
    if Role.COORDINATOR in caller.roles:
        theirs = [col(DisclosureException.purpose).startswith(f"{a}-") for a in caller.aors]
        looked_into = cases.looked_into_by(caller, col(DisclosureException.case_id))
        shown.append(sa.and_(sa.or_(sa.false(), *theirs), looked_into))
    statement = sa.select(DisclosureException).where(sa.or_(*shown))
    if statuses:
        statement = statement.where(col(DisclosureException.status).in_(statuses))
    if mine_to_decide:
        statement = statement.where(_to_decide(DisclosureException, caller))
    if before is not None:
        statement = statement.where(col(DisclosureException.id) < before)
    rows = await session.scalars(
        statement.order_by(col(DisclosureException.id).desc()).limit(limit + 1)
    )
    return rows.all()


def has_agreed(case_id: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a case has consent to statistical use, without checking whether it is in force."""
    return sa.exists().where(
        col(Grant.case_id) == case_id, col(Grant.kind) == "reporting", col(Grant.status) == "active"
    )


async def active_reporting(session: AsyncSession, case_id: UUID) -> Sequence[Grant]:
    """Return the case's active consents to statistical use, locked. Requires service rights."""
    rows = await session.scalars(
        sa.select(Grant)
        .where(
            col(Grant.case_id) == case_id,
            col(Grant.kind) == "reporting",
            col(Grant.status) == "active",
        )
        .order_by(col(Grant.id))
        .with_for_update()
    )
    return rows.all()


def code_digest(code: str) -> bytes:
    """Return the digest that is stored for a withdrawal code. Random bits need no slow hash."""
    return hashlib.sha256(code.replace("-", "").replace(" ", "").upper().encode()).digest()


async def grant_by_code(session: AsyncSession, code: str) -> Grant | None:
    """Return the grant that the person can withdraw with this code. Requires service rights."""
    rows = await session.scalars(
        sa.select(Grant)
        .where(col(Grant.withdrawal_digest) == code_digest(code), held(col(Grant.case_id)))
        .with_for_update()
    )
    return rows.one_or_none()


class Uses(Protocol):
    """Tells whether anything was shared under the grant or exception in a column. Modules that share data implement
    it."""

    def grant(self, grant_id: Any) -> sa.ColumnElement[bool]: ...
    def exception(self, exception_id: Any) -> sa.ColumnElement[bool]: ...


async def unused_for(
    session: AsyncSession, case_id: UUID, service_id: UUID, uses: Uses
) -> Sequence[Grant]:
    """Return referral consents for this service under which nothing was sent. Requires service rights."""
    rows = await session.scalars(
        sa.select(Grant)
        .where(
            col(Grant.case_id) == case_id,
            col(Grant.service_id) == service_id,
            col(Grant.kind) == "referral",
            col(Grant.status).in_(("active", "pending")),
            sa.not_(uses.grant(col(Grant.id))),
        )
        .order_by(col(Grant.id))
    )
    return rows.all()


async def given_by(session: AsyncSession, case_id: UUID, decider: sa.ColumnElement[bool]) -> bool:
    """Return whether an active or pending consent of the case satisfies the condition `decider`."""
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(col(Grant.case_id) == case_id, col(Grant.status).in_(("active", "pending")), decider)
        .limit(1)
    )
    return found is not None


async def for_a_child(session: AsyncSession, case_id: UUID) -> bool:
    """Return whether an approved or pending best-interest exception exists."""
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(
            col(DisclosureException.case_id) == case_id,
            col(DisclosureException.basis) == Decider.BEST_INTEREST.value,
            col(DisclosureException.status).in_(("approved", "pending")),
        )
        .limit(1)
    )
    return found is not None


def covers(item: str, grant_id: Any, exception_id: Any, former: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the consent, the exception or a former consent covers the item."""
    named = (
        (Grant, col(Grant.id) == grant_id),
        (Grant, col(Grant.id) == sa.any_(former)),
        (DisclosureException, col(DisclosureException.id) == exception_id),
    )
    return sa.or_(
        *(sa.exists().where(which, col(kind.items).contains([item])) for kind, which in named)
    )


def ends_at(grant_id: Any) -> sa.ScalarSelect[Any]:
    """Select the end date of the consent in a column; NULL if it has none."""
    found = sa.select(col(Grant.valid_until)).where(col(Grant.id) == grant_id)
    return found.correlate_except(Grant).scalar_subquery()


def ends_soon(grant_id: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the consent in a column ends soon or has passed its end date."""
    return ends_at(grant_id) <= clock.now() + ENDING_AHEAD


def ending_between(first: datetime, last: datetime) -> sa.Select[Any]:
    """Select ids of active consents whose end date is in this period."""
    return sa.select(col(Grant.id)).where(
        col(Grant.status) == "active", col(Grant.valid_until).between(first, last)
    )


async def asked_before(
    session: AsyncSession, case_id: UUID, service_id: UUID | None, purpose: str
) -> UUID | None:
    """Return the recipient of the case's newest active consent to this service and purpose."""
    asked = sa.select(col(Grant.recipient_organisation_id)).where(
        col(Grant.case_id) == case_id,
        col(Grant.service_id) == service_id,
        col(Grant.purpose) == purpose,
        col(Grant.status) == "active",
    )
    found: UUID | None = await session.scalar(asked.order_by(col(Grant.id).desc()).limit(1))
    return found


async def grants_by_ids(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Grant]:
    """Return grants for capabilities that may not access the table. Requires service rights."""
    return await by_ids(session, Grant, ids)


async def by_id(session: AsyncSession, grant_id: UUID) -> Grant | None:
    """Return a consent of any organisation. Requires service rights."""
    return await session.get(Grant, grant_id)


OneKind = TypeVar("OneKind", Grant, DisclosureException)
_HOLDS_OR_WAITS = ("active", "approved", "pending")
"""Statuses of a consent or an exception that holds or waits for a supervisor."""


async def consent_in_force(session: AsyncSession, grant_id: UUID) -> Grant | None:
    """Return the consent with its case locked, or None if it has ended. Needs service rights."""
    return await _one_in_force(session, Grant, grant_id)


async def exception_in_force(
    session: AsyncSession, exception_id: UUID
) -> DisclosureException | None:
    """Return the exception, as `consent_in_force` does for a consent."""
    return await _one_in_force(session, DisclosureException, exception_id)


async def _one_in_force(session: AsyncSession, kind: type[OneKind], own: UUID) -> OneKind | None:
    those = col(kind.id) == own, col(kind.status).in_(_HOLDS_OR_WAITS), held(col(kind.case_id))
    return (await session.scalars(sa.select(kind).where(*those).with_for_update())).one_or_none()


async def exception_by_id(session: AsyncSession, exception_id: UUID) -> DisclosureException | None:
    """Return an exception of any organisation. Requires service rights."""
    return await session.get(DisclosureException, exception_id)


Drafted = Callable[[Any, Any], sa.ColumnElement[Any]]
"""The urgency of the draft that waits for the decision, from the columns of a case and a service."""


def waiting(caller: Principal, drafted: Drafted) -> Iterator[Waiting]:
    """Return consents and exceptions that the supervisor may decide and did not request."""
    for kind, table in (
        (WorkKind.CONSENT_TO_DECIDE, Grant),
        (WorkKind.EXCEPTION_TO_DECIDE, DisclosureException),
    ):
        yield Waiting(
            kind=kind,
            what=sa.select(table).where(_to_decide(table, caller)),
            id=col(table.id),
            since=col(table.created_at),
            urgency=drafted(col(table.case_id), col(table.service_id)),
            shown=lambda row: _row(row[0]),
        )


def _row(asked: Grant | DisclosureException) -> WorkRow:
    name = "grant_id" if isinstance(asked, Grant) else "exception_id"
    about = asked.purpose if isinstance(asked, Grant) else asked.basis
    return WorkRow(
        id=asked.id,
        since=asked.created_at,
        ids={name: asked.id, "case_id": asked.case_id},
        about=about,
    )
