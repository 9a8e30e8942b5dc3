"""Stakeholder use cases: edit one entry, or import a whole sheet."""

import asyncio
from collections import Counter
from typing import Any

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, FieldError
from common.ids import new_id
from common.words.places import Places
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.stakeholders import queries, sheet
from reporting.count.stakeholders.models import stakeholders
from reporting.count.stakeholders.queries import FIELDS, Stakeholder
from reporting.count.stakeholders.rules import flaws
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.tabular.csv_reader import UnreadableTableError


async def add(session: AsyncSession, caller: Principal, body: StakeholderBody) -> Stakeholder:
    _refuse_flawed(body)
    made = new_id()
    kept = await session.scalar(
        pg.insert(stakeholders)
        .values(id=made, version=1, **_values(body, caller))
        .on_conflict_do_nothing(constraint="stakeholders_once")
        .returning(stakeholders.c.id)
    )
    if kept is None:
        raise CONFLICT.because("there_is_entry_of_this_code_change", pointer="/code")
    return (await queries.of_codes(session, [body.code]))[body.code]


async def change(
    session: AsyncSession, caller: Principal, found: Stakeholder, body: StakeholderBody
) -> Stakeholder:
    """Replace a locked entry; identical content changes nothing."""
    if body.code != found.code:
        raise INVALID.because("code_of_entry_stays", pointer="/code")
    _refuse_flawed(body)
    if body != found.body:
        await session.execute(
            stakeholders.update()
            .where(stakeholders.c.id == found.id)
            .values(version=found.version + 1, **_values(body, caller))
        )
    return (await queries.of_codes(session, [body.code]))[body.code]


async def remove(session: AsyncSession, found: Stakeholder) -> None:
    await session.execute(stakeholders.delete().where(stakeholders.c.id == found.id))


async def import_sheet(
    session: AsyncSession, caller: Principal, content: bytes, *, dry_run: bool
) -> Counter[str]:
    """Write all rows of the sheet, or none. Raise UnreadableTableError with all errors. Entries that are not in the
    sheet remain."""
    read = await asyncio.to_thread(sheet.rows, content, Places.load())
    known = await queries.of_codes(session, [row.body.code for row in read])
    wrong = [
        sheet.stale(row)
        for row in read
        if row.version != (known[row.body.code].version if row.body.code in known else None)
    ]
    if wrong:
        raise UnreadableTableError(wrong)
    done: Counter[str] = Counter()
    for row in read:
        found = known.get(row.body.code)
        if found is not None:
            done["changed" if row.body != found.body else "unchanged"] += 1
        else:
            done["created"] += 1
        if dry_run:
            continue
        if found is None:
            await add(session, caller, row.body)
        else:
            await change(session, caller, found, row.body)
    return done


def _values(body: StakeholderBody, caller: Principal) -> dict[str, Any]:
    document = body.model_dump(mode="json")
    plain: dict[str, Any] = {field: document[field] for field in FIELDS}
    plain |= {"organisation_id": body.organisation_id, "as_of": body.as_of}
    return plain | {"changed_at": clock.now(), "changed_by": caller.subject}


def _refuse_flawed(body: StakeholderBody) -> None:
    found = flaws(body, Places.load())
    if found:
        raise INVALID.listing([FieldError.of(f"/{each.field}", each.said) for each in found])
