"""Assistance queries. Rows belong to a case, so every query is limited to the caller's own cases."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.words.places import Places
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.ground.directory.queries import pathway_steps, works_with
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.screening.assistance.models import Assistance, CaseMatch, CaseReview, PlanItem

_Row = TypeVar("_Row", PlanItem, Assistance, CaseReview)
IDLE = timedelta(days=30)


async def of_case(session: AsyncSession, table: type[_Row], case_id: UUID) -> Sequence[_Row]:
    rows = await session.scalars(
        sa.select(table).where(col(table.case_id) == case_id).order_by(col(table.id))
    )
    return rows.all()


async def planned_needs(session: AsyncSession, case_id: UUID) -> set[str]:
    rows = await session.scalars(
        sa.select(col(PlanItem.need)).where(col(PlanItem.case_id) == case_id)
    )
    return set(rows.all())


async def one(session: AsyncSession, table: type[_Row], case_id: UUID, row_id: UUID) -> _Row:
    """Return a row of this case, locked; raise 404 if the row belongs to another case."""
    found = (
        await session.scalars(
            sa.select(table)
            .where(col(table.id) == row_id, col(table.case_id) == case_id)
            .with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise NOT_FOUND.because("no_such_entry_in_this_case")
    return found


async def assistance_counts(session: AsyncSession, case_id: UUID) -> dict[UUID, int]:
    rows = await session.execute(
        sa.select(col(Assistance.plan_item_id), sa.func.count())
        .where(col(Assistance.case_id) == case_id, col(Assistance.entered_in_error_at).is_(None))
        .group_by(col(Assistance.plan_item_id))
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


async def suggestions(
    session: AsyncSession, case: Case, aor: str | None
) -> Sequence[tuple[UUID, str, str, str]]:
    """Return (pathway, aor, step, need) of published pathways in the case's area, omitting needs that are already
    planned."""
    if case.area is None:
        return []
    around = [case.area, *Places.load().ancestors(case.area)]
    planned = sa.select(col(PlanItem.need)).where(col(PlanItem.case_id) == case.id)
    return await pathway_steps(session, around, planned, aor)


async def reviews_due(
    session: AsyncSession, caller: Principal, by: date, after: tuple[date, UUID] | None, limit: int
) -> Sequence[CaseReview]:
    """Return reviews that are due by this day, oldest first, up to `limit` + 1."""
    order = col(CaseReview.due_on), col(CaseReview.id)
    statement = sa.select(CaseReview).where(*_undone(caller, by)).order_by(*order)
    if after is not None:
        statement = statement.where(sa.tuple_(*order) > after)
    return (await session.scalars(statement.limit(limit + 1))).all()


def waiting_reviews(caller: Principal, by: date) -> Waiting:
    owner = cases.owner_of(CaseReview.case_id)
    return Waiting(
        kind=WorkKind.REVIEW,
        what=sa.select(
            col(CaseReview.id), col(CaseReview.case_id), col(CaseReview.created_at)
        ).where(*_undone(caller, by)),
        id=col(CaseReview.id),
        since=col(CaseReview.created_at),
        due=col(CaseReview.due_on),
        has_it=owner,
        works=works_with(caller, owner),
        shown=lambda row: WorkRow(
            id=row.id, since=row.created_at, ids={"review_id": row.id, "case_id": row.case_id}
        ),
    )


def _undone(caller: Principal, by: date) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        cases.held_by(caller, col(CaseReview.case_id)),
        col(CaseReview.done_on).is_(None),
        col(CaseReview.due_on) <= by,
    )


def waiting_matches(caller: Principal) -> Waiting:
    """Return the possible duplicates of the caller's cases about which nobody has asked the person."""
    is_a, is_b = cases.held_by(caller, CaseMatch.case_a), cases.held_by(caller, CaseMatch.case_b)
    own = sa.case((is_a, col(CaseMatch.case_a)), else_=col(CaseMatch.case_b)).label("own_case")
    owner = cases.owner_of(own)
    return Waiting(
        kind=WorkKind.MATCH,
        what=sa.select(col(CaseMatch.id), col(CaseMatch.created_at), own).where(
            col(CaseMatch.status).not_in(("ended", "agreed")),
            sa.or_(
                sa.and_(is_a, col(CaseMatch.agreed_a).is_(None)),
                sa.and_(is_b, col(CaseMatch.agreed_b).is_(None)),
            ),
        ),
        id=col(CaseMatch.id),
        since=col(CaseMatch.created_at),
        has_it=owner,
        works=works_with(caller, owner),
        shown=lambda row: WorkRow(
            id=row.id, since=row.created_at, ids={"match_id": row.id, "case_id": row.own_case}
        ),
    )


async def open_review(session: AsyncSession, case_id: UUID) -> CaseReview | None:
    rows = await session.scalars(
        sa.select(CaseReview).where(
            col(CaseReview.case_id) == case_id, col(CaseReview.done_on).is_(None)
        )
    )
    return rows.one_or_none()


async def supervision(
    session: AsyncSession, caller: Principal, after: UUID | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """Return the organisation's open cases that need attention, up to `limit` + 1, with the reasons."""
    statement = _to_look_at(caller).order_by(cases.ID)
    if after is not None:
        statement = statement.where(after < cases.ID)
    return (await session.execute(statement.limit(limit + 1))).all()


def waiting_looks(caller: Principal) -> Waiting:
    return Waiting(
        kind=WorkKind.CASE_TO_LOOK_AT,
        what=_to_look_at(caller),
        id=cases.ID,
        since=cases.CHANGED_AT,
        has_it=cases.OWNER,
        works=works_with(caller, cases.OWNER),
        shown=lambda row: WorkRow(
            id=row.id,
            since=row.changed_at,
            ids={"case_id": row.id},
            area=row.area,
            reasons=row.reasons,
        ),
    )


def _to_look_at(caller: Principal) -> sa.Select[*tuple[Any, ...]]:
    now = clock.now()
    reasons = _reasons(clock.day_of(now), now - IDLE)
    told = array([sa.case((condition, reason)) for reason, condition in reasons.items()])
    named = sa.func.array_remove(told, None).label("reasons")
    return cases.open_cases(caller, named).where(sa.or_(*reasons.values()))


def _reasons(today: date, idle_since: Any) -> dict[str, sa.ColumnElement[bool]]:
    of_case = cases.ID
    open_review = sa.exists().where(
        col(CaseReview.case_id) == of_case, col(CaseReview.done_on).is_(None)
    )
    open_item = sa.exists().where(
        col(PlanItem.case_id) == of_case, col(PlanItem.status).in_(("planned", "in_progress"))
    )
    given = col(Assistance.entered_in_error_at).is_(None)
    return {
        "review_overdue": sa.exists().where(
            col(CaseReview.case_id) == of_case,
            col(CaseReview.done_on).is_(None),
            col(CaseReview.due_on) < today,
        ),
        "no_review_planned": sa.and_(open_item, sa.not_(open_review)),
        "need_overdue": sa.exists().where(
            col(PlanItem.case_id) == of_case,
            col(PlanItem.status).in_(("planned", "in_progress")),
            col(PlanItem.planned_end) < today,
        ),
        "need_without_assistance": sa.exists().where(
            col(PlanItem.case_id) == of_case,
            col(PlanItem.status).in_(("planned", "in_progress")),
            col(PlanItem.created_at) < idle_since,
            sa.not_(sa.exists().where(col(Assistance.plan_item_id) == col(PlanItem.id), given)),
        ),
        "idle": sa.and_(
            idle_since > cases.CHANGED_AT,
            sa.not_(
                sa.exists().where(
                    col(Assistance.case_id) == of_case, col(Assistance.created_at) >= idle_since
                )
            ),
        ),
    }


async def living_match(session: AsyncSession, match_id: UUID) -> CaseMatch | None:
    found = await session.scalars(
        sa.select(CaseMatch).where(col(CaseMatch.id) == match_id, col(CaseMatch.status) != "ended")
    )
    return found.one_or_none()


def readable_match(caller: Principal, match_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(CaseMatch.id) == match_id,
        sa.or_(cases.held_by(caller, CaseMatch.case_a), cases.held_by(caller, CaseMatch.case_b)),
    )


def match_ended_after(
    match_id: sa.ColumnElement[UUID], moment: sa.ColumnElement[datetime]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the match ended after `moment`."""
    return sa.exists().where(col(CaseMatch.id) == match_id, col(CaseMatch.ended_at) > moment)


async def matches(session: AsyncSession, before: UUID | None, limit: int) -> Sequence[CaseMatch]:
    """Return the matches that row security shows, newest first, up to `limit` + 1."""
    statement = sa.select(CaseMatch).order_by(col(CaseMatch.id).desc())
    if before is not None:
        statement = statement.where(col(CaseMatch.id) < before)
    return (await session.scalars(statement.limit(limit + 1))).all()


async def matches_of(session: AsyncSession, case_id: UUID) -> Sequence[CaseMatch]:
    of_case = sa.or_(col(CaseMatch.case_a) == case_id, col(CaseMatch.case_b) == case_id)
    return (await session.scalars(sa.select(CaseMatch).where(of_case))).all()
