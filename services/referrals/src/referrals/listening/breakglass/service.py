"""Break-glass use cases. The case's current holder gets a notice of each step."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, FORBIDDEN, NOT_FOUND, SECOND_PERSON, Problem
from common.ids import new_id
from common.two_people import refuse_same_person
from common.words.details import Detail
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.cases.models import Case
from referrals.case.cases.person import shown_to_others
from referrals.errors import ALREADY_DECIDED, IMPLICATED
from referrals.ground.audit.service import record
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.ages import Caregiver
from referrals.listening.breakglass import queries
from referrals.listening.breakglass.independence import is_open, may_be_opened, may_decide
from referrals.listening.breakglass.models import BreakGlass

OPEN_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Shown:
    """An access as one caller sees it. `reason` is visible to people who decide or whose organisation holds the case.
    The requester sees the holder only while the access is open."""

    access: BreakGlass
    reason: str | None
    holder: UUID | None


async def ask(
    session: AsyncSession, caller: Principal, keys: CaseKeys, reference: str, reason: str
) -> Shown:
    """Request a case by its reference. An implicated organisation gets the usual response, because a refusal would
    reveal the accusation, but nobody can open the case to it."""
    async with acting_as_service(session):
        case = await cases.by_reference(session, reference)
        if case is not None:
            await hold_case(session, case.id)
            await session.refresh(case)
        if case is None or case.status == "erased":
            raise NOT_FOUND.because("no_case_has_this_reference")
        if case.organisation_id == caller.organisation:
            raise CONFLICT.because("your_own_organisation_holds_this_case_read")
        access_id = new_id()
        key = await keys.of(case.id)
        access = BreakGlass(
            id=access_id,
            case_id=case.id,
            organisation_id=caller.organisation,
            holder_organisation_id=case.organisation_id,
            reason=seal_column(
                key, reason, organisation=caller.organisation, row=access_id, column="reason"
            ),
            status="asked",
            requested_by=caller.subject,
            requested_at=clock.now(),
        )
        session.add(access)
        await session.flush()
        await _tell(session, caller, access, "asked")
    return Shown(access, reason, None)


async def shown(session: AsyncSession, caller: Principal, keys: CaseKeys, access_id: UUID) -> Shown:
    async with acting_as_service(session):
        access = await queries.by_id(session, access_id)
        if access is None:
            raise _not_here()
        return await _shown_to(session, caller, keys, access)


async def listed(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    view: queries.View,
    *,
    before: UUID | None,
    limit: int,
) -> tuple[Sequence[Shown], UUID | None]:
    """Return a page, and the id after which the next page begins."""
    async with acting_as_service(session):
        rows = await queries.listed(session, caller, view, before=before, limit=limit)
        page = [await _shown_to(session, caller, keys, row) for row in rows[:limit]]
    return page, rows[limit - 1].id if len(rows) > limit else None


async def to_decide(session: AsyncSession, caller: Principal, limit: int) -> Sequence[BreakGlass]:
    """Return requests in the order of the `to-decide` list."""
    async with acting_as_service(session):
        found = await queries.listed(session, caller, "to-decide", before=None, limit=limit)
    return found[:limit]


async def decide(
    session: AsyncSession, caller: Principal, keys: CaseKeys, access_id: UUID, *, approve: bool
) -> Shown:
    """Open the access for an hour or refuse it, as an independent second person."""
    async with acting_as_service(session):
        access = await queries.by_id(session, access_id, lock=True)
        case = await cases.by_id(session, access.case_id) if access is not None else None
        if access is None or case is None:
            raise _not_here()
        sought = await queries.sought(session, access, case)
        refuse_same_person(caller, access.requested_by, because=Detail("you_asked_for_this_access"))
        if not may_decide(caller, sought):
            if _known_to(caller, access):
                raise SECOND_PERSON.because("organisation_that_holds_case_decides_or_coordinator")
            raise _not_here()
        if access.status != "asked":
            raise ALREADY_DECIDED.because("its_status_is", access.status)
        if approve and not may_be_opened(sought):
            raise IMPLICATED.because("it_cannot_be_opened_to_organisation")
        if approve:
            case_service.refuse_if_erased(case)
        now = clock.now()
        access.status = "open" if approve else "refused"
        access.decided_by, access.decided_at = caller.subject, now
        access.expires_at = now + OPEN_FOR if approve else None
        await session.flush()
        await _tell(session, caller, access, access.status)
        return await _shown(caller, keys, access)


@dataclass(frozen=True)
class Opened:
    """A decrypted case and the organisations that it implicates."""

    case: Case
    identity: dict[str, Any]
    attributes: dict[str, Any]
    implicated: Collection[UUID]


async def read(session: AsyncSession, caller: Principal, keys: CaseKeys, access_id: UUID) -> Opened:
    """Return the decrypted case to the requester while the access is open, and notify the holder. Lock the case, so
    that nothing ends the access meanwhile."""
    async with acting_as_service(session):
        access = await queries.by_id(session, access_id, lock=True)
        case = await cases.by_id(session, access.case_id) if access is not None else None
        if access is None or case is None:
            raise _not_here()
        if not _asked_by(access, caller):
            if await _concerns(session, caller, access, case):
                raise FORBIDDEN.because("only_whoever_asked_reads_under_this_access")
            raise _not_here()
        sought = await queries.sought(session, access, case)
        if not (is_open(access.status, access.expires_at, clock.now()) and may_be_opened(sought)):
            raise FORBIDDEN.because("this_access_is_not_open_to_you")
        identity, attributes = await case_service.open_record(keys, case)
        await _tell(session, caller, access, "read")
    shown_identity = shown_to_others(identity, Caregiver(case.caregiver))
    return Opened(case, shown_identity, attributes, sought.implicated)


async def hand_over(session: AsyncSession, case_id: UUID, new_holder: UUID) -> None:
    """End open accesses after a hand-over, and pass pending requests to the new holder. Requires service rights."""
    now = clock.now()
    living = await session.scalars(
        sa.select(BreakGlass)
        .where(col(BreakGlass.case_id) == case_id, col(BreakGlass.status).in_(("asked", "open")))
        .order_by(col(BreakGlass.id))
        .with_for_update()
    )
    for access in living.all():
        access.holder_organisation_id = new_holder
        if access.status == "open" or access.organisation_id == new_holder:
            access.status, access.expires_at = "ended", now
        await session.flush()
        if access.status == "asked":
            await _tell(session, None, access, "asked")


async def end_for(session: AsyncSession, case_id: UUID, organisations: Collection[UUID]) -> None:
    """End these organisations' open accesses, as in a hand-over. Requires service rights."""
    await session.execute(
        sa.update(BreakGlass)
        .where(
            col(BreakGlass.case_id) == case_id,
            col(BreakGlass.organisation_id).in_(organisations),
            col(BreakGlass.status) == "open",
        )
        .values(status="ended", expires_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _asked_by(access: BreakGlass, caller: Principal) -> bool:
    return access.requested_by == caller.subject and access.organisation_id == caller.organisation


def _known_to(caller: Principal, access: BreakGlass) -> bool:
    return _asked_by(access, caller) or access.holder_organisation_id == caller.organisation


async def _concerns(
    session: AsyncSession, caller: Principal, access: BreakGlass, case: Case
) -> bool:
    """Return whether the caller may know about the access: they requested it, hold the case, or may decide."""
    return _known_to(caller, access) or may_decide(
        caller, await queries.sought(session, access, case)
    )


async def _shown_to(
    session: AsyncSession, caller: Principal, keys: CaseKeys, access: BreakGlass
) -> Shown:
    case = await cases.by_id(session, access.case_id)
    if case is None or not await _concerns(session, caller, access, case):
        raise _not_here()
    return await _shown(caller, keys, access)


async def _shown(caller: Principal, keys: CaseKeys, access: BreakGlass) -> Shown:
    if _asked_by(access, caller):
        told = (
            access.holder_organisation_id
            if is_open(access.status, access.expires_at, clock.now())
            else None
        )
        return Shown(access, None, told)
    return Shown(access, await _reason(keys, access), access.holder_organisation_id)


async def _reason(keys: CaseKeys, access: BreakGlass) -> str | None:
    key = (await keys.of_many([access.case_id])).get(access.case_id)
    if key is None or access.reason is None:
        return None
    return str(
        open_column(
            key, access.reason, organisation=access.organisation_id, row=access.id, column="reason"
        )
    )


def _not_here() -> Problem:
    return NOT_FOUND.because("no_access_that_concerns_you_has_this")


async def _tell(
    session: AsyncSession, caller: Principal | None, access: BreakGlass, what: str
) -> None:
    await notify(
        session,
        [access.holder_organisation_id],
        NoticeKind(f"break_glass.{what}"),
        subject_type="case",
        subject_id=access.case_id,
        for_supervisor=True,
    )
    await record(session, caller, f"break_glass.{what}", chain=access.case_id, target_id=access.id)
