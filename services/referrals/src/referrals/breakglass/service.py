"""Use cases of break-glass access. The holder of the case is told of each step."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import FORBIDDEN, NOT_FOUND
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.audit.service import record
from referrals.breakglass.models import BreakGlass
from referrals.cases import service as case_service
from referrals.cases.models import Case
from referrals.errors import ALREADY_DECIDED, SECOND_PERSON
from referrals.keys.sealing import seal_column
from referrals.keys.store import CaseKeys
from referrals.notices.service import notify
from referrals.row_security import acting_as_service

OPEN_FOR = timedelta(hours=1)


async def ask(
    session: AsyncSession, caller: Principal, keys: CaseKeys, reference: str, reason: str
) -> BreakGlass:
    async with acting_as_service(session):
        case = (
            await session.scalars(sa.select(Case).where(col(Case.reference) == reference.upper()))
        ).one_or_none()
        if case is None or case.status == "erased":
            raise NOT_FOUND.because("No case has this reference.")
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
    return access


async def decide(
    session: AsyncSession, caller: Principal, access_id: UUID, *, approve: bool
) -> BreakGlass:
    access = await one(session, access_id, lock=True)
    if access.status != "asked":
        raise ALREADY_DECIDED.because(f"Its status is '{access.status}'.")
    if access.requested_by == caller.subject:
        raise SECOND_PERSON.because("You asked for this access: somebody else decides.")
    now = clock.now()
    access.status = "open" if approve else "refused"
    access.decided_by, access.decided_at = caller.subject, now
    access.expires_at = now + OPEN_FOR if approve else None
    await session.flush()
    await _tell(session, caller, access, access.status)
    return access


async def read(
    session: AsyncSession, caller: Principal, keys: CaseKeys, access_id: UUID
) -> tuple[Case, dict[str, Any], dict[str, Any]]:
    """The case in clear, for the one who asked, while the access is open."""
    access = await one(session, access_id)
    ended = access.expires_at is None or access.expires_at <= clock.now()
    if access.requested_by != caller.subject or access.status != "open" or ended:
        raise FORBIDDEN.because("This access is not open to you (any more).")
    async with acting_as_service(session):
        case = await session.get(Case, access.case_id)
        if case is None:
            raise NOT_FOUND.because("The case is gone.")
        identity, attributes = await case_service.open_record(keys, case)
        await _tell(session, caller, access, "read")
    return case, identity, attributes


async def one(session: AsyncSession, access_id: UUID, *, lock: bool = False) -> BreakGlass:
    statement = sa.select(BreakGlass).where(col(BreakGlass.id) == access_id)
    if lock:
        statement = statement.with_for_update()
    access = (await session.scalars(statement)).one_or_none()
    if access is None:
        raise NOT_FOUND.because("There is no such access.")
    return access


async def _tell(session: AsyncSession, caller: Principal, access: BreakGlass, what: str) -> None:
    await notify(
        session,
        [access.holder_organisation_id],
        f"break_glass.{what}",
        subject_type="case",
        subject_id=access.case_id,
        for_supervisor=True,
    )
    await record(
        session,
        caller,
        f"break_glass.{what}",
        chain=access.case_id,
        target_type="break_glass",
        target_id=access.id,
    )
