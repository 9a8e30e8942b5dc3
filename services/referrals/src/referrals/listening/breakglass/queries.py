"""Queries for emergency accesses, with service rights. Callers see accesses that they requested or decide, or whose
case they hold."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.ground.locking_queries import held
from referrals.listening.breakglass.independence import Sought, case_aors, may_decide
from referrals.listening.breakglass.models import BreakGlass
from referrals.referral.referrals.queries import aors_of_case
from referrals.screening.screenings.queries import of_case as screenings_of

View = Literal["mine", "to-decide", "of-my-cases"]


async def by_id(session: AsyncSession, access_id: UUID, *, lock: bool = False) -> BreakGlass | None:
    """Return an access; `lock` also locks its case."""
    statement = sa.select(BreakGlass).where(col(BreakGlass.id) == access_id)
    if lock:
        statement = (
            statement.where(held(col(BreakGlass.case_id)))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    return (await session.scalars(statement)).one_or_none()


async def sought(session: AsyncSession, access: BreakGlass, case: Case) -> Sought:
    """Return the case facts that `independence` needs."""
    return Sought(
        asking=access.organisation_id,
        holder=case.organisation_id,
        implicated=await cases.implicated(session, case.id),
        aors=case_aors(
            await aors_of_case(session, case.id),
            screened=bool(await screenings_of(session, case.id)),
            minor=case.minor,
        ),
        area=case.area,
    )


async def listed(
    session: AsyncSession, caller: Principal, view: View, *, before: UUID | None, limit: int
) -> Sequence[BreakGlass]:
    statement = sa.select(BreakGlass).order_by(col(BreakGlass.id).desc())
    if before is not None:
        statement = statement.where(col(BreakGlass.id) < before)
    if view == "to-decide":
        return await _to_decide(session, caller, statement, limit)
    if view == "mine":
        statement = statement.where(
            col(BreakGlass.organisation_id) == caller.organisation,
            col(BreakGlass.requested_by) == caller.subject,
        )
    else:
        statement = statement.where(col(BreakGlass.holder_organisation_id) == caller.organisation)
    return (await session.scalars(statement.limit(limit + 1))).all()


def readable(caller: Principal, access_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the caller requested the access, or that the caller's organisation holds the case.
    A coordinator who decides finds the access only in `listed`."""
    if not {Role.SUPERVISOR, Role.COORDINATOR} & set(caller.roles):
        return sa.false()
    return sa.exists().where(
        col(BreakGlass.id) == access_id,
        sa.or_(
            col(BreakGlass.holder_organisation_id) == caller.organisation,
            sa.and_(
                col(BreakGlass.organisation_id) == caller.organisation,
                col(BreakGlass.requested_by) == caller.subject,
            ),
        ),
    )


async def _to_decide(
    session: AsyncSession, caller: Principal, statement: sa.Select[BreakGlass], limit: int
) -> Sequence[BreakGlass]:
    waiting = await session.scalars(
        statement.where(
            col(BreakGlass.status) == "asked", col(BreakGlass.requested_by) != caller.subject
        )
    )
    theirs: list[BreakGlass] = []
    for access in waiting.all():
        case = await cases.by_id(session, access.case_id)
        if case is not None and may_decide(caller, await sought(session, access, case)):
            theirs.append(access)
        if len(theirs) > limit:
            break
    return theirs
