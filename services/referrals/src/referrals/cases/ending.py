"""What ends with a case. Once it is closed or erased, nothing of it waits to be used or decided."""

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.assistance.models import CaseMatch
from referrals.assistance.service import end_with_case
from referrals.audit.service import SYSTEM_CLIENT
from referrals.breakglass.models import BreakGlass
from referrals.cases import service
from referrals.cases.models import Case
from referrals.consents.models import DisclosureException, Grant
from referrals.consents.service import end_with_case as end_consents
from referrals.keys.store import CaseKeys
from referrals.referrals.lifecycle import Command, Party
from referrals.referrals.models import Referral
from referrals.referrals.queries import of_case
from referrals.referrals.steps import Taken, take
from referrals.row_security import acting_as_service
from referrals.tasks.following import OF_RECIPIENTS
from referrals.tasks.models import Task
from referrals.transfers.service import end_offer


async def close(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
) -> None:
    """After the case was closed. Consents that were used, and to statistics, go on."""
    async with acting_as_service(session):
        for referral in await of_case(
            session, case.id, open_only=True
        ):  # drafts: see service.close
            taken = Taken(Command.RECALL, frozenset({Party.REFERRER}), reason="case_closed")
            await take(session, keys, caller, referral, taken)
        await end_offer(session, caller, case.id, "needs_changed")
        await _end_open_business(session, caller, case, unused_only=True)


async def erase(
    session: AsyncSession, caller: Principal | None, keys: CaseKeys, case: Case, basis: str
) -> None:
    """Erase a held case and all that is about to happen in it."""
    await service.erase(session, caller, keys, case, basis)
    async with acting_as_service(session):
        await end_offer(session, caller, case.id, "other")
        await _end_open_business(session, caller, case, unused_only=False)
        await session.execute(
            sa.update(BreakGlass)
            .where(
                col(BreakGlass.case_id) == case.id, col(BreakGlass.status).in_(("asked", "open"))
            )
            .values(status="ended", expires_at=clock.now())
            .execution_options(synchronize_session=False)
        )


async def _end_open_business(
    session: AsyncSession, caller: Principal | None, case: Case, *, unused_only: bool
) -> None:
    now = clock.now()
    await end_consents(
        session, caller, case.id, f"case_{case.status}", _unused() if unused_only else sa.true()
    )
    statements: tuple[sa.Update, ...] = (
        sa.update(DisclosureException)
        .where(
            col(DisclosureException.case_id) == case.id,
            col(DisclosureException.status).in_(("pending", "approved")),
            sa.not_(_used_by(Referral.exception_id, DisclosureException.id))
            if unused_only
            else sa.true(),
        )
        .values(status="ended"),
        sa.update(CaseMatch)
        .where(
            sa.or_(col(CaseMatch.case_a) == case.id, col(CaseMatch.case_b) == case.id),
            col(CaseMatch.status) != "ended",
        )
        .values(status="ended", ended_at=now, agreed_a=None, agreed_b=None),
        sa.update(Task)
        .where(
            col(Task.case_id) == case.id,
            col(Task.done_at).is_(None),
            col(Task.kind).not_in(OF_RECIPIENTS),
        )
        .values(done_at=now, done_by=caller.doer if caller else SYSTEM_CLIENT),
    )
    for statement in statements:
        await session.execute(statement.execution_options(synchronize_session=False))
    await end_with_case(session, caller, case)


def _unused() -> sa.ColumnElement[bool]:
    return sa.and_(col(Grant.kind) != "reporting", sa.not_(_used_by(Referral.grant_id, Grant.id)))


def _used_by(of_referral: object, authority: object) -> sa.ColumnElement[bool]:
    return sa.exists().where(of_referral == authority)  # type: ignore[arg-type]  # two columns
