"""Queries for the case record, limited to the caller's own cases."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.entries.kinds import STAYING
from referrals.case.entries.models import CaseEntry
from referrals.ground.directory.queries import works_with
from referrals.ground.locking_queries import held
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow

_FILE: Any = CaseEntry.file
HAS_FILE = col(CaseEntry.file).is_not(None)


def _readable(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition that every query for entries uses: hide entries that stayed with a former holder."""
    stayed = sa.and_(
        col(CaseEntry.kind).in_(STAYING), col(CaseEntry.organisation_id) != caller.organisation
    )
    return sa.not_(stayed)


def _in_case(caller: Principal, case_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return col(CaseEntry.case_id) == case_id, _readable(caller)


async def of_case(
    session: AsyncSession,
    caller: Principal,
    case_id: UUID,
    *,
    kind: str | None = None,
    before: UUID | None = None,
    limit: int,
) -> Sequence[tuple[CaseEntry, bool]]:
    """Return entries, newest first, up to `limit` + 1. Each tells whether it has a picture, without including it."""
    statement = sa.select(CaseEntry, HAS_FILE).where(*_in_case(caller, case_id))
    if kind is not None:
        statement = statement.where(col(CaseEntry.kind) == kind)
    if before is not None:
        statement = statement.where(col(CaseEntry.id) < before)
    rows = await session.execute(
        statement.options(defer(_FILE)).order_by(col(CaseEntry.id).desc()).limit(limit + 1)
    )
    return [(row[0], row[1]) for row in rows]


async def one_listed(
    session: AsyncSession, caller: Principal, case_id: UUID, entry_id: UUID
) -> tuple[CaseEntry, bool]:
    """Return one entry without its picture; raise 404 if the entry belongs to another case."""
    rows = await session.execute(
        sa.select(CaseEntry, HAS_FILE)
        .where(col(CaseEntry.id) == entry_id, *_in_case(caller, case_id))
        .options(defer(_FILE))
    )
    found = rows.one_or_none()
    if found is None:
        raise NOT_FOUND.because("no_such_entry_in_this_case")
    return found[0], found[1]


async def one(
    session: AsyncSession, caller: Principal, case_id: UUID, entry_id: UUID, *, lock: bool = False
) -> CaseEntry:
    """Return one entry; raise 404 if the entry belongs to another case."""
    statement = sa.select(CaseEntry).where(
        col(CaseEntry.id) == entry_id, *_in_case(caller, case_id)
    )
    found = await session.scalars(statement.with_for_update() if lock else statement)
    entry = found.one_or_none()
    if entry is None:
        raise NOT_FOUND.because("no_such_entry_in_this_case")
    return entry


async def one_held(session: AsyncSession, entry_id: UUID) -> CaseEntry | None:
    """Return an entry of any case, with its case locked. Requires service rights."""
    which = col(CaseEntry.id) == entry_id, held(col(CaseEntry.case_id))
    found = await session.scalars(sa.select(CaseEntry).where(*which).with_for_update())
    return found.one_or_none()


async def due_between(
    session: AsyncSession, caller: Principal, first: date, last: date, *, mine: bool, limit: int
) -> Sequence[CaseEntry]:
    """Return open entries due on these days in open cases, up to `limit` + 1; `mine` restricts them to cases assigned
    to the caller."""
    statement = (
        sa.select(CaseEntry)
        .where(
            _readable(caller),
            cases.open_held_by(caller, col(CaseEntry.case_id)),
            col(CaseEntry.done_at).is_(None),
            col(CaseEntry.due_on).between(first, last),
        )
        .options(defer(_FILE))
    )
    if mine:
        statement = statement.where(cases.owner_of(CaseEntry.case_id) == caller.subject)
    return (await session.scalars(statement.order_by(col(CaseEntry.id)).limit(limit + 1))).all()


def waiting(caller: Principal, by: date) -> Waiting:
    """Return open entries due by this time in the open cases of the caller's organisation."""
    owner = cases.owner_of(CaseEntry.case_id)
    what = sa.select(
        col(CaseEntry.id), col(CaseEntry.case_id), col(CaseEntry.created_at), col(CaseEntry.kind)
    )
    return Waiting(
        kind=WorkKind.ENTRY_DUE,
        what=what.where(
            _readable(caller),
            cases.open_held_by(caller, col(CaseEntry.case_id)),
            col(CaseEntry.done_at).is_(None),
            col(CaseEntry.due_on) <= by,
        ),
        id=col(CaseEntry.id),
        since=col(CaseEntry.created_at),
        due=col(CaseEntry.due_on),
        has_it=owner,
        works=works_with(caller, owner),
        shown=_row,
    )


def _row(row: Any) -> WorkRow:
    ids = {"entry_id": row.id, "case_id": row.case_id}
    return WorkRow(id=row.id, since=row.created_at, ids=ids, about=row.kind)
