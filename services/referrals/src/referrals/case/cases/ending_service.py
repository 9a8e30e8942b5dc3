"""Closing a case, and erasing its content about the person."""

from datetime import date
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import CONFLICT
from common.events.referrals import CaseClosed, CaseErased
from common.happenings import tell
from common.messaging import append
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries
from referrals.case.cases.models import Case
from referrals.case.cases.service import coarse, refuse_if_erased, refuse_unless_open, touch
from referrals.ground import happenings
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.ages import Caregiver
from referrals.tables import COMMON


async def close(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, reason: str, years: int
) -> Case:
    case = await queries.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    await tell(session, happenings.CaseClosing(case.id))
    now = clock.now()
    case.status, case.closed_at, case.closure_reason = "closed", now, reason
    case.word = None  # the team may now use this word for another case
    case.retain_until = _years_later(clock.day_of(now), years)
    touch(case)
    await session.flush()
    await append(
        session,
        COMMON,
        CaseClosed(
            case_id=case.id,
            organisation_id=case.organisation_id,
            version=case.version,
            area=coarse(case.area),
            occurred_at=now,
            reason=reason,
        ),
    )
    await record(session, caller, "case.closed", chain=case.id, detail={"reason": reason})
    async with acting_as_service(session):
        await tell(session, happenings.CaseClosed(case.id, caller, keys))
    return case


async def reopen(session: AsyncSession, caller: Principal, case_id: UUID, reason: str) -> Case:
    """Reopen a case whose person came back before retention ended. Ended consents and work remain ended."""
    case = await queries.own_case(session, caller, case_id, lock=True)
    refuse_if_erased(case)
    if case.status != "closed":
        raise CONFLICT.because("case_is_not_closed")
    case.status, case.closed_at, case.closure_reason, case.retain_until = "open", None, None, None
    touch(case)
    await session.flush()
    await record(session, caller, "case.reopened", chain=case.id, detail={"reason": reason})
    return case


async def erase(
    session: AsyncSession, caller: Principal | None, keys: CaseKeys, case: Case, basis: str
) -> None:
    """Destroy the person's key first. If this transaction then fails, nothing is readable and a retry completes the
    erasure."""
    await keys.destroy(case.id)
    now = clock.now()
    case.identity = case.attributes = None
    case.area, case.minor, case.word = None, None, None
    case.status, case.erased_at = "erased", now
    touch(case)
    case.caregiver, case.closure_reason = Caregiver.UNKNOWN, None
    async with acting_as_service(session):
        await tell(session, happenings.CaseErased(case.id, caller, keys))
        await append(
            session,
            COMMON,
            CaseErased(case_id=case.id, version=case.version),
        )
        await record(session, caller, "case.erased", chain=case.id, detail={"basis": basis})


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
