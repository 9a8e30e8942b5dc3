"""Queries for activities, their imports and targets."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities.activity import Activity, published
from reporting.count.activities.indicators import ALLOWED, COUNTED_STATUSES
from reporting.count.activities.mapping import Mapping
from reporting.count.activities.models import activities, activity_mappings, work_plan_targets
from reporting.count.activities.work_plan import Target
from reporting.tables import beyond, equal

_SEEN = [c for c in activities.c if c.name not in {"withdrawn_at", "changed_by"}]


def _activity(row: Any) -> Activity:
    return Activity(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented mapping of a row


def sees_exact(caller: Principal, organisation_id: UUID) -> bool:
    """Return whether the caller sees a row as reported: the organisation's own rows, and all rows for the IM role."""
    return Role.IM in caller.roles or caller.organisation_id == organisation_id


def shown_to(caller: Principal, activity: Activity) -> Activity:
    if sees_exact(caller, activity.organisation_id):
        return activity
    return published(activity)


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    start: date | None = None,
    end: date | None = None,
    area: str | None = None,
    activity_id: UUID | None = None,
    own: bool = False,
    after: tuple[date, UUID] | None = None,
    limit: int | None = None,
) -> list[Activity]:
    """Return activities by start date, each as the caller may see it. ``area`` is a first- or second-level P-code.
    ``after`` is (start, id) of the last activity on the previous page."""
    conditions = [activities.c.withdrawn_at.is_(None), *equal(activities, id=activity_id)]
    conditions += _starting(start, end)
    if area is not None:
        conditions.append(sa.or_(activities.c.adm1_pcode == area, activities.c.adm2_pcode == area))
    if own:
        conditions.append(activities.c.organisation_id == caller.organisation)
    statement = (
        sa.select(*_SEEN)
        .where(*conditions, *beyond(after, activities.c.start, activities.c.id))
        .order_by(activities.c.start, activities.c.id)
        .limit(limit)
    )
    rows = await session.execute(statement)
    return [shown_to(caller, _activity(row)) for row in rows]


def _starting(start: date | None, end: date | None) -> list[sa.ColumnElement[bool]]:
    first = [] if start is None else [activities.c.start >= start]
    return first if end is None else [*first, activities.c.start <= end]


async def countable(
    session: AsyncSession, *, start: date | None = None, end: date | None = None
) -> list[Activity]:
    """Return the published forms of activities that can count towards an allow-listed indicator."""
    conditions: list[sa.ColumnElement[bool]] = [
        activities.c.withdrawn_at.is_(None),
        activities.c.status.in_(COUNTED_STATUSES),
        activities.c.type.in_({indicator.type for indicator in ALLOWED}),
        *_starting(start, end),
    ]
    rows = await session.execute(
        sa.select(*_SEEN).where(*conditions).order_by(activities.c.start, activities.c.id)
    )
    return [published(_activity(row)) for row in rows]


async def unreported(session: AsyncSession, month: date, since: date) -> dict[UUID, date]:
    """Return the organisations with activities from `since` on but none in `month`, with their last active month before
    it."""
    last = sa.func.max(activities.c.report_month).filter(activities.c.report_month < month)
    rows = await session.execute(
        sa.select(activities.c.organisation_id, last)
        .where(
            activities.c.withdrawn_at.is_(None),
            activities.c.report_month >= since,
            activities.c.report_month <= month,
        )
        .group_by(activities.c.organisation_id)
        .having(sa.func.max(activities.c.report_month) < month)
        .order_by(last, activities.c.organisation_id)
    )
    return {row[0]: row[1] for row in rows}


async def names(session: AsyncSession) -> dict[UUID, str]:
    """Return the names of organisations that name only themselves as leader. An organisation that reports for others
    has no name here."""
    name = sa.func.min(activities.c.org_leader)
    rows = await session.execute(
        sa.select(activities.c.organisation_id, name.label("name"))
        .where(activities.c.withdrawn_at.is_(None))
        .group_by(activities.c.organisation_id)
        .having(sa.func.count(activities.c.org_leader.distinct()) == 1)
    )
    return {row.organisation_id: row.name for row in rows}


async def recorded(
    session: AsyncSession, organisation_id: UUID, external_ids: Collection[str]
) -> dict[str, tuple[Activity, bool]]:
    """Return an organisation's recorded activities by external id, and whether each one is withdrawn."""
    rows = await session.execute(
        sa.select(*_SEEN, activities.c.withdrawn_at)
        .where(
            activities.c.organisation_id == organisation_id,
            activities.c.external_id.in_(external_ids),
        )
        .with_for_update()
    )
    found: dict[str, tuple[Activity, bool]] = {}
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - as above
        withdrawn = values.pop("withdrawn_at") is not None
        found[values["external_id"]] = (Activity(**values), withdrawn)
    return found


async def targets(session: AsyncSession, plan: str | None = None) -> list[Target]:
    """Return the targets of one plan or of all, in a fixed order."""
    statement = sa.select(work_plan_targets).order_by(
        work_plan_targets.c.plan, work_plan_targets.c.indicator, work_plan_targets.c.area
    )
    if plan is not None:
        statement = statement.where(work_plan_targets.c.plan == plan)
    return [
        Target(row.id, row.plan, row.indicator, row.area or None, row.start, row.end, row.target)
        for row in await session.execute(statement)
    ]


async def mapping(session: AsyncSession, organisation_id: UUID, layout: str) -> Mapping | None:
    """Return the mapping that the organisation confirmed for this layout."""
    found = await session.scalar(
        sa.select(activity_mappings.c.mapping).where(
            activity_mappings.c.organisation_id == organisation_id,
            activity_mappings.c.layout == layout,
        )
    )
    if found is None:
        return None
    columns = tuple((name, field) for name, field in found["columns"])
    return Mapping(columns, found["words"], found["fixed"])
