"""Searches the rows that a caller may read, page by page, with a total."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.paging import encode_cursor, id_in, keys_in, moment_in
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.queries import ids_held
from referrals.case.consents import queries as consents
from referrals.ground.directory import queries as directory
from referrals.ground.search_queries import Searchable
from referrals.referral.fhir.parameters import Condition, Kind, Search, Within, by_id
from referrals.referral.referrals import queries as referrals


@dataclass(frozen=True)
class Found:
    """One page. `following` is the start of the next page, None on the last page."""

    rows: Sequence[Any]
    total: int | None
    following: str | None


def searchable(kind: Kind, caller: Principal, now: datetime) -> Searchable:
    """Return the rows of a kind that the caller could find in our own API, or reach from such a row. A referral, for
    example, refers to its case and parties."""
    match kind.name:
        case "Task":
            return referrals.searchable(caller)
        case "ServiceRequest":
            found = referrals.searchable(caller)
            asked = array([found.columns["service_id"], found.columns["to_organisation"]])
            performer = sa.type_coerce(asked, ARRAY(sa.Uuid()))
            return Searchable(found.rows, {**found.columns, "performer": performer})
        case "Consent":
            return consents.searchable(caller)
        case "Patient":
            return _ids(caller, ids_held(caller), *_told(caller, "case_id"))
        case "Organization":
            own = sa.select(sa.literal(caller.organisation, sa.Uuid()))
            parties = _told(caller, "from_organisation", "to_organisation")
            return _ids(caller, directory.organisations_shown(caller), own, *parties)
    return directory.searchable(caller, now)


def _told(caller: Principal, *names: str) -> list[sa.Select[Any]]:
    found = referrals.searchable(caller)
    return [found.rows.with_only_columns(found.columns[name]) for name in names]


def _ids(caller: Principal, *ways: sa.Select[Any]) -> Searchable:
    ids = sa.union(*ways).subquery("ids")
    (found,) = ids.c
    return Searchable(sa.select(found), {"id": found})


async def find(
    session: AsyncSession, caller: Principal, kind: Kind, search: Search, now: datetime
) -> Found:
    of = searchable(kind, caller, now)
    narrowed = of.rows.where(*(_holds(of, condition) for condition in search.conditions))
    total = None
    if search.totals:
        ids = narrowed.with_only_columns(of.columns["id"]).subquery()
        total = await session.scalar(sa.select(sa.func.count()).select_from(ids))
    if search.count == 0:
        return Found([], total, None)
    rows = (await session.execute(_page(of, narrowed, kind, search))).all()
    following = None
    if len(rows) > search.count:
        *_, key, last = rows[search.count - 1]
        following = encode_cursor(key, last)
    return Found([row[0] for row in rows[: search.count]], total, following)


def _page(of: Searchable, narrowed: sa.Select[Any], kind: Kind, search: Search) -> sa.Select[Any]:
    column, ids = of.columns[kind.sorts[search.sort]], of.columns["id"]
    in_key = id_in if kind.sorts[search.sort] == "id" else moment_in
    after = keys_in(search.cursor, in_key, id_in)
    if after is not None:
        place, keys = sa.tuple_(column, ids), sa.tuple_(*map(sa.literal, after))
        narrowed = narrowed.where(place < keys if search.descending else place > keys)
    order = [each.desc() if search.descending else each.asc() for each in (column, ids)]
    return narrowed.add_columns(column, ids).order_by(*order).limit(search.count + 1)


def _holds(of: Searchable, condition: Condition) -> sa.ColumnElement[bool]:
    column = of.columns[condition.column]
    if condition.spans:
        return sa.or_(*(_lies(column, span) for span in condition.spans))
    if isinstance(column.type, ARRAY):
        given = sa.literal(list(condition.values), column.type)
        return column.op("&&", is_comparison=True)(given)
    return column.in_(condition.values)


def _lies(column: sa.ColumnElement[Any], span: Within) -> sa.ColumnElement[bool]:
    inside = sa.and_(
        sa.true() if span.low is None else column >= span.low,
        sa.true() if span.high is None else column < span.high,
    )
    return sa.not_(inside) if span.outside else inside


async def parts(
    session: AsyncSession, caller: Principal, kind: Kind, search: Search, size: int
) -> list[tuple[int, str | None]]:
    """Return parts of at most `size` rows in id order: the number of rows, and the cursor before the first row."""
    of = searchable(kind, caller, clock.now())
    holds = (_holds(of, condition) for condition in search.conditions)
    ids = of.rows.where(*holds).with_only_columns(of.columns["id"].label("id")).subquery()
    number = sa.func.row_number().over(order_by=ids.c.id).label("number")
    numbered = sa.select(ids.c.id, number).subquery()
    part = ((numbered.c.number - 1) // size).label("part")
    last = sa.func.array_agg(numbered.c.id).label("ids")
    found = await session.execute(sa.select(sa.func.count(), last).group_by(part).order_by(part))
    parts: list[tuple[int, str | None]] = []
    after = None
    for count, members in found:
        parts.append((count, after))
        after = encode_cursor(max(members), max(members))
    return parts


async def one(
    session: AsyncSession, caller: Principal, kind: Kind, wanted: Any, now: datetime
) -> Any:
    """Return the row with this id. Raise the same 404 for a hidden row as for an unknown id."""
    found = await find(session, caller, kind, Search(by_id(kind, [wanted]), totals=False), now)
    if not found.rows:
        raise NOT_FOUND.because("no_such_that_concerns_you", kind.name)
    return found.rows[0]


async def those(
    session: AsyncSession, caller: Principal, kind: Kind, ids: Sequence[Any], now: datetime
) -> Sequence[Any]:
    if not ids:
        return ()
    search = Search(by_id(kind, ids), totals=False, count=len(ids))
    return (await find(session, caller, kind, search, now)).rows
