"""Activity use cases: record, withdraw, import a workbook, set the work plan's targets."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND, FieldError
from common.ids import new_id
from common.words.details import Detail
from common.words.places import Places
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities import mapping as mappings
from reporting.count.activities import queries
from reporting.count.activities.activity import FIELDS, Activity
from reporting.count.activities.indicators import BY_CODE
from reporting.count.activities.mapping import Mapping as LayoutMapping
from reporting.count.activities.models import (
    activities,
    activity_imports,
    activity_mappings,
    work_plan_targets,
)
from reporting.count.activities.rules import Flaw, completed, flaws
from reporting.count.activities.work_plan import Target
from reporting.count.activities.workbook import ReadRow, messages, parted, read
from reporting.ground.language import Text


@dataclass(frozen=True)
class RowFlaw:
    row: int
    flaw: Flaw
    message: Text


@dataclass(frozen=True)
class Imported:
    """The result of an import. If ``flaws`` is not empty, nothing was written."""

    import_id: UUID | None
    rows: int
    outcomes: Counter[str]
    flaws: tuple[RowFlaw, ...]


async def record(session: AsyncSession, caller: Principal, values: Mapping[str, Any]) -> Activity:
    """Record a new activity. Raise 409 if the organisation already has an activity with this external id."""
    row = completed(values)
    _refuse_flawed(row)
    known = await queries.recorded(session, caller.organisation, [row["external_id"]])
    if row["external_id"] in known:
        raise CONFLICT.because(
            "your_organisation_has_activity_of_this_external",
            pointer="/external_id",
        )
    await _write(session, caller, [row])
    return await _own(session, caller, row["external_id"])


async def correct(
    session: AsyncSession, caller: Principal, activity_id: UUID, values: Mapping[str, Any]
) -> Activity:
    """Replace one of the caller's activities; its external id stays the same."""
    found = await _own_by_id(session, caller, activity_id)
    row = completed(values)
    if row["external_id"] != found.external_id:
        raise INVALID.because("external_id_of_activity_stays", pointer="/external_id")
    _refuse_flawed(row)
    await _write(session, caller, [row])
    return await _own(session, caller, found.external_id)


async def withdraw(session: AsyncSession, caller: Principal, activity_id: UUID) -> None:
    """Withdraw one of the caller's activities from all counts; its row remains as evidence."""
    found = await _own_by_id(session, caller, activity_id)
    await session.execute(
        activities.update()
        .where(activities.c.id == found.id)
        .values(
            withdrawn_at=clock.now(),
            version=found.version + 1,
            changed_at=clock.now(),
            changed_by=caller.subject,
        )
    )


async def import_file(
    session: AsyncSession, caller: Principal, name: str, content: bytes, *, dry_run: bool
) -> Imported:
    """Read a workbook and write all its rows, or none if any row has an error. Raise UnreadableWorkbookError if the
    file as a whole cannot be read."""
    places = Places.load()
    header, _ = await asyncio.to_thread(
        parted, content
    )  # use a thread, because reading a workbook takes time
    known = await queries.mapping(session, caller.organisation, mappings.layout(header))
    rows = await asyncio.to_thread(read, content, known)
    found = [flaw for row in rows for flaw in _row_flaws(row, places)]
    found += _repeated(rows)
    if found:
        found.sort(key=lambda each: each.row)
        return Imported(None, len(rows), Counter(), tuple(found))
    ready = [completed(row.values) for row in rows]
    outcomes = await _outcomes(session, caller, ready)
    if dry_run:
        return Imported(None, len(rows), outcomes, ())
    await _write(session, caller, ready)
    import_id = new_id()
    await session.execute(
        activity_imports.insert().values(
            id=import_id,
            organisation_id=caller.organisation,
            file_name=name[:200],
            file_sha256=hashlib.sha256(content).hexdigest(),
            imported_at=clock.now(),
            imported_by=caller.subject,
            created=outcomes["created"],
            changed=outcomes["changed"],
            unchanged=outcomes["unchanged"],
        )
    )
    return Imported(import_id, len(rows), outcomes, ())


async def confirm(
    session: AsyncSession, caller: Principal, layout: str, mapping: LayoutMapping
) -> LayoutMapping:
    """Store how the caller's organisation reads files of this layout; a second confirmation replaces the first."""
    if mappings.layout([name for name, _ in mapping.columns]) != layout:
        raise INVALID.because("columns_are_not_those_of_layout", pointer="/columns")
    found = mappings.flaws(mapping)
    if found:
        raise INVALID.listing(
            [
                FieldError.of(at, Detail.of(name, *filter(None, (given,))), "invalid")
                for at, name, given in found
            ]
        )
    values = {
        "mapping": {"columns": mapping.columns, "words": mapping.words, "fixed": mapping.fixed},
        "confirmed_at": clock.now(),
        "confirmed_by": caller.subject,
    }
    await session.execute(
        pg.insert(activity_mappings)
        .values(organisation_id=caller.organisation, layout=layout, **values)
        .on_conflict_do_update(index_elements=["organisation_id", "layout"], set_=values)
    )
    return mapping


async def set_target(session: AsyncSession, caller: Principal, target: Target) -> Target:
    """Set a work-plan target. It replaces an earlier target for the same plan, indicator and area."""
    if target.indicator not in BY_CODE:
        raise INVALID.because(
            "targets_exist_for_allow_listed_indicators_only",
            pointer="/indicator",
            allowed=list(BY_CODE),
        )
    if target.area is not None and not Places.load().is_known(target.area):
        raise INVALID.because("this_p_code_is_not_known", pointer="/area")
    if target.end < target.start:
        raise INVALID.because("end_is_before_start", pointer="/end")
    values = {
        "start": target.start,
        "end": target.end,
        "target": target.target,
        "changed_at": clock.now(),
        "changed_by": caller.subject,
    }
    kept = await session.scalar(
        pg.insert(work_plan_targets)
        .values(
            id=target.id,
            plan=target.plan,
            indicator=target.indicator,
            area=target.area or "",
            **values,
        )
        .on_conflict_do_update(constraint="work_plan_targets_once", set_=values)
        .returning(work_plan_targets.c.id)
    )
    return next(each for each in await queries.targets(session, target.plan) if each.id == kept)


def _refuse_flawed(row: Mapping[str, Any]) -> None:
    found = flaws(row, Places.load())
    if found:
        raise INVALID.listing(
            [FieldError.of(f"/{flaw.field}", flaw.said, flaw.code) for flaw in found]
        )


def _row_flaws(row: ReadRow, places: Places) -> list[RowFlaw]:
    # Rules that compare several values need all of them to be readable.
    found = row.flaws or flaws(completed(row.values), places)
    return [RowFlaw(row.number, flaw, messages(flaw)) for flaw in found]


def _repeated(rows: Sequence[ReadRow]) -> list[RowFlaw]:
    seen: dict[str, int] = {}
    found: list[RowFlaw] = []
    for row in rows:
        key = row.values.get("external_id")
        if key is None:
            continue
        if key in seen:
            flaw = Flaw.of("external_id", "repeated", "it_is_in_row_already", seen[key])
            found.append(RowFlaw(row.number, flaw, messages(flaw)))
        seen.setdefault(key, row.number)
    return found


async def _outcomes(
    session: AsyncSession, caller: Principal, rows: Sequence[Mapping[str, Any]]
) -> Counter[str]:
    known = await queries.recorded(
        session, caller.organisation, [row["external_id"] for row in rows]
    )
    return Counter(_outcome(row, known.get(row["external_id"])) for row in rows)


def _outcome(row: Mapping[str, Any], known: tuple[Activity, bool] | None) -> str:
    if known is None:
        return "created"
    activity, withdrawn = known
    same = not withdrawn and all(getattr(activity, field) == row.get(field) for field in FIELDS)
    return "unchanged" if same else "changed"


async def _write(
    session: AsyncSession, caller: Principal, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert or replace. An unchanged row keeps its version."""
    statement = pg.insert(activities)
    replaced: dict[str, Any] = {field: statement.excluded[field] for field in FIELDS}
    differs = sa.or_(
        activities.c.withdrawn_at.is_not(None),
        *(activities.c[field].is_distinct_from(statement.excluded[field]) for field in FIELDS),
    )
    statement = statement.on_conflict_do_update(
        constraint="activities_once",
        set_=replaced
        | {
            "version": activities.c.version + 1,
            "changed_at": statement.excluded.changed_at,
            "changed_by": statement.excluded.changed_by,
            "withdrawn_at": None,
        },
        where=differs,
    )
    now = clock.now()
    await session.execute(
        statement,
        [
            {field: row.get(field) for field in FIELDS}
            | {
                "id": new_id(),
                "organisation_id": caller.organisation,
                "version": 1,
                "changed_at": now,
                "changed_by": caller.subject,
            }
            for row in rows
        ],
    )


async def _own(session: AsyncSession, caller: Principal, external_id: str) -> Activity:
    known = await queries.recorded(session, caller.organisation, [external_id])
    return known[external_id][0]


async def _own_by_id(session: AsyncSession, caller: Principal, activity_id: UUID) -> Activity:
    found = await queries.visible(session, caller, activity_id=activity_id, own=True)
    if not found:
        raise NOT_FOUND.because("your_organisation_has_no_such_activity")
    return found[0]
