"""Case queries. They repeat the conditions of row-level security, so that either guard is enough."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.case.cases.models import Case, CaseLookup, ImplicatedOrganisation
from referrals.ground.directory.queries import works_with
from referrals.ground.locking_queries import held
from referrals.ground.restrictions.words import Succession
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow


async def own_case(
    session: AsyncSession, caller: Principal, case_id: UUID, *, lock: bool = False
) -> Case:
    """Return the caller's case, or raise 404. `lock` locks it until the transaction ends."""
    statement = sa.select(Case).where(
        col(Case.id) == case_id, col(Case.organisation_id) == caller.organisation
    )
    if lock:
        statement = statement.where(held(col(Case.id))).with_for_update()
        statement = statement.execution_options(populate_existing=True)
    case: Case | None = (await session.scalars(statement)).one_or_none()
    if case is None:
        raise NOT_FOUND.because("no_such_case_in_your_organisation")
    return case


def held_by(caller: Principal, case_id: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the caller now holds the case in this column. It filters lists of case-related
    rows."""
    held = sa.select(sa.literal(1)).where(
        col(Case.id) == case_id, col(Case.organisation_id) == caller.organisation
    )
    return held.exists()


OWNER: sa.ColumnElement[Any] = sa.type_coerce(col(Case.assigned_to), sa.Text)
"""The case's caseworker, by account; NULL for nobody."""


def owned_by(caller: Principal) -> sa.ColumnElement[bool]:
    owned: sa.ColumnElement[bool] = sa.literal(caller.subject) == OWNER
    return owned


def open_held_by(caller: Principal, case_id: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the caller holds this case and that it is open."""
    held = sa.select(sa.literal(1)).where(
        col(Case.id) == case_id,
        col(Case.organisation_id) == caller.organisation,
        col(Case.status) == "open",
    )
    return held.exists()


def owner_of(case_id: Any) -> sa.ScalarSelect[Any]:
    """Select the caseworker of the case in this column; NULL if row security hides the case."""
    case = aliased(Case)  # alias, because the outer statement may also select from cases
    owner = sa.select(col(case.assigned_to)).where(col(case.id) == case_id)
    # The column belongs to the outer statement, however deep this subquery is nested.
    return owner.correlate_except(case).scalar_subquery()


async def own_cases(
    session: AsyncSession,
    caller: Principal,
    *,
    status: str | None,
    mine: bool = False,
    assigned_to: str | None = None,
    area: str | None = None,
    minor: bool | None = None,
    changed_since: datetime | None = None,
    before: UUID | None,
    limit: int,
) -> Sequence[Case]:
    """Return cases, newest first, up to `limit` + 1. `area` includes the areas within it."""
    statement = sa.select(Case).where(col(Case.organisation_id) == caller.organisation)
    if status is not None:
        statement = statement.where(col(Case.status) == status)
    if mine:
        statement = statement.where(owned_by(caller))
    if assigned_to is not None:
        statement = statement.where(col(Case.assigned_to) == assigned_to)
    if area is not None:
        within = [area, *Places.load().descendants(area)]
        statement = statement.where(col(Case.area).in_(within))
    if minor is not None:
        statement = statement.where(col(Case.minor) == minor)
    if changed_since is not None:
        statement = statement.where(col(Case.changed_at) >= changed_since)
    if before is not None:
        statement = statement.where(col(Case.id) < before)
    rows = await session.scalars(statement.order_by(col(Case.id).desc()).limit(limit + 1))
    return rows.all()


async def open_by_person(session: AsyncSession, caller: Principal) -> dict[str | None, int]:
    """Count the caller's open cases by responsible person; None means nobody."""
    counted = (
        sa.select(col(Case.assigned_to), sa.func.count())
        .where(col(Case.organisation_id) == caller.organisation, col(Case.status) == "open")
        .group_by(col(Case.assigned_to))
        .order_by(col(Case.assigned_to))
    )
    rows = (await session.execute(counted)).all()
    return {row[0]: row[1] for row in rows}


async def uses_word(session: AsyncSession, caller: Principal, word: str) -> bool:
    """Return whether an open case of the caller's team uses this word."""
    used = sa.exists().where(
        col(Case.organisation_id) == caller.organisation,
        col(Case.status) == "open",
        col(Case.word) == word,
    )
    return bool(await session.scalar(sa.select(used)))


async def references_of(
    session: AsyncSession, caller: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return the codes of the caller's own cases; only the holding organisation sees a case code."""
    if not ids:
        return {}
    rows = await session.execute(
        sa.select(col(Case.id), col(Case.reference)).where(
            col(Case.id).in_(ids), col(Case.organisation_id) == caller.organisation
        )
    )
    return {row.id: row.reference for row in rows}


def ids_held(caller: Principal) -> sa.Select[Any]:
    return sa.select(col(Case.id)).where(col(Case.organisation_id) == caller.organisation)


async def cases_with_digests(
    session: AsyncSession,
    caller: Principal,
    digests: Collection[bytes],
    limit: int | None,
    *,
    before: UUID | None = None,
) -> Sequence[Case]:
    """Return cases with all these digests, newest first."""
    matching = (
        sa.select(col(CaseLookup.case_id))
        .where(
            col(CaseLookup.organisation_id) == caller.organisation,
            col(CaseLookup.digest).in_(digests),
        )
        .group_by(col(CaseLookup.case_id))
        .having(sa.func.count() == len(digests))
    )
    statement = sa.select(Case).where(col(Case.id).in_(matching), col(Case.status) != "erased")
    if before is not None:
        statement = statement.where(col(Case.id) < before)
    return (await session.scalars(statement.order_by(col(Case.id).desc()).limit(limit))).all()


# Columns that other modules may use in case conditions.
ID = col(Case.id)
CHANGED_AT = col(Case.changed_at)


async def living(
    session: AsyncSession,
    caller: Principal,
    which: sa.ColumnElement[bool],
    after: UUID | None,
    limit: int,
) -> Sequence[Case]:
    """Return the caller's cases that are not erased, oldest first, up to `limit` + 1."""
    statement = sa.select(Case).where(
        col(Case.organisation_id) == caller.organisation, col(Case.status) != "erased", which
    )
    if after is not None:
        statement = statement.where(col(Case.id) > after)
    return (await session.scalars(statement.order_by(col(Case.id)).limit(limit + 1))).all()


def open_cases(caller: Principal, *columns: Any) -> sa.Select[*tuple[Any, ...]]:
    """Select the organisation's open cases: id, reference, area, time of the last change, and other columns."""
    case = col(Case.id), col(Case.reference), col(Case.area), col(Case.changed_at)
    return sa.select(*case, *columns).where(
        col(Case.organisation_id) == caller.organisation, col(Case.status) == "open"
    )


async def open_elsewhere(
    session: AsyncSession, organisation: UUID, among: sa.Select[Any]
) -> Sequence[Case]:
    """Return other organisations' open cases in their current state. Requires service rights."""
    rows = await session.scalars(
        sa.select(Case)
        .where(
            col(Case.id).in_(among),
            col(Case.organisation_id) != organisation,
            col(Case.status) == "open",
        )
        .order_by(col(Case.id))
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def kept_too_long(
    session: AsyncSession, today: date
) -> Sequence[tuple[UUID, str, date | None]]:
    """Return (organisation, reference, retention end) of each case that retention erases next. Requires service
    rights."""
    rows = await session.execute(
        sa.select(col(Case.organisation_id), col(Case.reference), col(Case.retain_until))
        .where(col(Case.status) == "closed", col(Case.retain_until) < today)
        .order_by(col(Case.organisation_id), col(Case.retain_until))
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def by_id(session: AsyncSession, case_id: UUID, *, fresh: bool = False) -> Case | None:
    """Return a case of any organisation. `fresh` reloads it from the database. Requires service rights."""
    return await session.get(Case, case_id, populate_existing=fresh)


async def not_erased(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return which of these cases exist and are not erased. Requires service rights."""
    asked = col(Case.id) == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
    return set(
        await session.scalars(sa.select(col(Case.id)).where(asked, col(Case.status) != "erased"))
    )


def to_follow(succession: Succession) -> sa.Select[UUID]:
    """Select ids of open cases that the successor takes over, except those that implicate it."""
    accused = sa.exists().where(
        col(ImplicatedOrganisation.case_id) == col(Case.id),
        col(ImplicatedOrganisation.organisation_id) == succession.successor,
    )
    found = sa.select(col(Case.id)).where(
        col(Case.organisation_id) == succession.organisation,
        col(Case.status) == "open",
        sa.not_(accused),
    )
    if succession.ends:
        return found
    places = Places.load()
    known = [area for area in succession.areas if places.is_known(area)]
    within = {each for area in known for each in (area, *places.descendants(area))}
    return found.where(col(Case.area).in_(sorted(within)))


def with_reference(reference: str) -> sa.Select[Any]:
    return sa.select(col(Case.id)).where(col(Case.reference) == reference)


async def by_reference(session: AsyncSession, reference: str) -> Case | None:
    """Return a case of any organisation by its code. Requires service rights."""
    found = await session.scalars(sa.select(Case).where(col(Case.reference) == reference.upper()))
    return found.one_or_none()


def looked_into_by(caller: Principal, case_id: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the caller coordinates the case's area and that the case does not implicate the
    caller's organisation. Requires service rights."""
    accused = sa.select(sa.literal(1)).where(
        col(ImplicatedOrganisation.case_id) == col(Case.id),
        col(ImplicatedOrganisation.organisation_id) == caller.organisation,
    )
    looked = sa.select(sa.literal(1)).where(col(Case.id) == case_id, sa.not_(accused.exists()))
    if caller.areas:
        places = Places.load()
        known = [area for area in caller.areas if places.is_known(area)]
        within = {each for area in known for each in (area, *places.descendants(area))}
        nowhere = sa.and_(col(Case.area).is_(None), col(Case.status) != "erased")
        looked = looked.where(sa.or_(nowhere, col(Case.area).in_(sorted(within))))
    return looked.exists()


async def looks_into(session: AsyncSession, caller: Principal, case_id: UUID) -> bool:
    """Check `looked_into_by` for one case. Requires service rights."""
    return bool(await session.scalar(sa.select(looked_into_by(caller, case_id))))


async def implicated(session: AsyncSession, case_id: UUID) -> set[UUID]:
    rows = await session.scalars(
        sa.select(col(ImplicatedOrganisation.organisation_id)).where(
            col(ImplicatedOrganisation.case_id) == case_id
        )
    )
    return set(rows)


async def by_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Case]:
    """Return cases of any organisation. Requires service rights."""
    rows = await session.scalars(sa.select(Case).where(col(Case.id).in_(ids)))
    return {case.id: case for case in rows}


async def implicated_in(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    found: dict[UUID, set[UUID]] = {case_id: set() for case_id in ids}
    rows = await session.scalars(
        sa.select(ImplicatedOrganisation).where(col(ImplicatedOrganisation.case_id).in_(ids))
    )
    for row in rows:
        found[row.case_id].add(row.organisation_id)
    return found


async def due_for_erasure(
    session: AsyncSession, caller: Principal, by: date, after: tuple[date, UUID] | None, limit: int
) -> Sequence[Case]:
    """Return closed cases due for erasure by this day, earliest first, up to `limit` + 1."""
    order = col(Case.retain_until), col(Case.id)
    statement = sa.select(Case).where(*_kept_until(caller, by)).order_by(*order)
    if after is not None:
        statement = statement.where(sa.tuple_(*order) > after)
    return (await session.scalars(statement.limit(limit + 1))).all()


def _kept_until(caller: Principal, day: object) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Case.organisation_id) == caller.organisation,
        col(Case.status) == "closed",
        col(Case.retain_until) <= day,
    )


def waiting_for_erasure(caller: Principal, by: date) -> Waiting:
    return Waiting(
        kind=WorkKind.RETENTION_ENDING,
        what=sa.select(
            col(Case.id), col(Case.closed_at), col(Case.changed_at), col(Case.area)
        ).where(*_kept_until(caller, by)),
        id=col(Case.id),
        since=sa.func.coalesce(col(Case.closed_at), col(Case.changed_at)),
        due=col(Case.retain_until),
        has_it=OWNER,
        works=works_with(caller, OWNER),
        shown=lambda row: WorkRow(
            id=row.id, since=row.closed_at or row.changed_at, ids={"case_id": row.id}, area=row.area
        ),
    )
