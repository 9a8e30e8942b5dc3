"""Case-record use cases: write, change, mark as done, take back, read."""

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, VERSION_CONFLICT
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.cases.models import Case
from referrals.case.cases.service import key_of, refuse_if_erased, refuse_unless_open
from referrals.case.entries import queries
from referrals.case.entries.kinds import (
    FILE,
    KINDS,
    OF_FAMILY,
    EntryKind,
    given_fields,
    may_take_back,
    other_way,
)
from referrals.case.entries.models import CaseEntry
from referrals.case.entries.schemas import ChangedEntry, EntryContent, NewEntry
from referrals.ground.audit.service import SYSTEM_CLIENT, record
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_pairing
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind as Listed

_LONGEST_AGO = timedelta(days=10 * 365)
_LONGEST_AHEAD = timedelta(days=2 * 365)


async def write(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    body: NewEntry,
    picture: bytes | None = None,
) -> CaseEntry:
    """Add an entry. If a family member has their own case, add the inverse entry to that case."""
    if body.linked_case_id is not None:
        await hold_pairing(session)
    case = await cases.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    kind = KINDS[body.kind]
    kind.refuse_unless_writer(caller)
    given = given_fields(body.model_dump(exclude={"kind"})) | ({FILE} if picture else set())
    kind.refuse_unless_complete(given)
    _refuse_odd_days(body.happened_on, body.due_on)
    content = _content(body)
    entry = await _add(session, caller, keys, case, kind, body, content, picture)
    if body.linked_case_id is not None:
        await _add_other_way(session, caller, keys, case, body, content, body.linked_case_id)
    return entry


async def _add_other_way(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
    body: NewEntry,
    content: dict[str, Any],
    linked: UUID,
) -> None:
    """Add the inverse relation to the other case, and nothing else about this person."""
    if linked == case.id:
        raise INVALID.because("case_cannot_be_linked_to_itself", pointer="/linked_case_id")
    if not await cases.references_of(session, caller, [linked]):
        raise INVALID.because("no_such_case_in_your_organisation", pointer="/linked_case_id")
    other = await cases.own_case(session, caller, linked, lock=True)
    refuse_unless_open(other)
    turned = {"relation": other_way(content["relation"])}
    about = body.model_copy(update={"linked_case_id": case.id, "due_on": None})
    await _add(session, caller, keys, other, KINDS[OF_FAMILY], about, turned, None)


async def _add(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
    kind: EntryKind,
    body: NewEntry,
    content: dict[str, Any],
    picture: bytes | None,
) -> CaseEntry:
    key, now = await key_of(keys, case.id), clock.now()
    if kind.again:
        await _end_open(session, case.id, kind)
    entry = CaseEntry(
        id=new_id(),
        case_id=case.id,
        organisation_id=caller.organisation,
        kind=kind.code,
        version=1,
        due_on=body.due_on,
        linked_case_id=body.linked_case_id,
        created_at=now,
        created_by=caller.subject,
        changed_at=now,
        changed_by=caller.subject,
    )
    entry.content = _sealed(key, entry, "content", content)
    if picture is not None:
        entry.file = _sealed(key, entry, FILE, base64.b64encode(picture).decode())
    session.add(entry)
    await session.flush()
    await _record(session, caller, "entry.written", entry)
    return entry


async def change(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    entry_id: UUID,
    body: ChangedEntry,
) -> CaseEntry:
    """Replace the content; raise 409 if somebody changed the entry after the caller read it."""
    entry = await _open_entry(session, caller, case_id, entry_id)
    kind = KINDS[entry.kind]
    if not kind.changes:
        raise CONFLICT.because("this_kind_of_entry_does_not_change")
    if body.expected_version != entry.version:
        raise VERSION_CONFLICT.because(
            "you_read_version_it_is_now",
            body.expected_version,
            entry.version,
            version=entry.version,
        )
    link = {"linked_case_id"} if entry.linked_case_id else set()
    kind.refuse_unless_complete(given_fields(body.model_dump(exclude={"expected_version"})) | link)
    _refuse_odd_days(body.happened_on, body.due_on)
    entry.content = _sealed(await key_of(keys, case_id), entry, "content", _content(body))
    entry.due_on = body.due_on
    await _touch(session, caller, "entry.changed", entry)
    return entry


async def finish(
    session: AsyncSession, caller: Principal, case_id: UUID, entry_id: UUID
) -> CaseEntry:
    entry = await _open_entry(session, caller, case_id, entry_id)
    if not KINDS[entry.kind].ends:
        raise CONFLICT.because("this_kind_of_entry_is_not_marked_as_done")
    if entry.done_at is not None:
        raise CONFLICT.because("this_has_been_done_already")
    entry.done_at = clock.now()
    await _touch(session, caller, "entry.done", entry)
    return entry


async def take_back(
    session: AsyncSession, caller: Principal, case_id: UUID, entry_id: UUID
) -> CaseEntry:
    """Destroy content written by mistake, such as a picture of another person."""
    case = await cases.own_case(session, caller, case_id, lock=True)
    refuse_if_erased(case)
    entry = await queries.one(session, caller, case_id, entry_id, lock=True)
    if not may_take_back(caller, entry.created_by):
        raise FORBIDDEN.because(
            "its_writer_or_supervisor_takes_it_back", needed_roles=[Role.SUPERVISOR]
        )
    if entry.taken_back_at is not None:
        raise CONFLICT.because("this_has_been_done_already")
    await _destroy(session, caller, entry)
    return entry


async def take_back_again(session: AsyncSession, entry_id: UUID) -> int:
    """Destroy again the content that a restored backup brought back. Requires service rights."""
    entry = await queries.one_held(session, entry_id)
    if entry is None or entry.taken_back_at is not None:
        return 0
    await _destroy(session, None, entry)
    return 1


async def _destroy(session: AsyncSession, caller: Principal | None, entry: CaseEntry) -> None:
    entry.content = entry.file = entry.due_on = entry.linked_case_id = None
    entry.taken_back_at = clock.now()
    await remember_end(session, Listed.ENTRY, entry.id, entry.case_id)
    await _touch(session, caller, "entry.taken_back", entry)


async def opened(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case: Case,
    entries: Sequence[CaseEntry],
) -> list[EntryContent | None]:
    """Return the decrypted content. If any entry has content, audit the access."""
    if not any(entry.content for entry in entries):
        return [None for _ in entries]
    key = await key_of(keys, case.id)
    await record(session, caller, "entry.read", chain=case.id)
    return [opened_with(key, entry) for entry in entries]


async def times_of(
    session: AsyncSession, caller: Principal, keys: CaseKeys, entries: Sequence[CaseEntry]
) -> dict[UUID, str]:
    """Return the time of day of each due entry that has one. Audit the access."""
    found = await keys.of_many([entry.case_id for entry in entries])
    contents = {
        entry.id: opened_with(found[entry.case_id], entry)
        for entry in entries
        if entry.case_id in found
    }
    await record(
        session,
        caller,
        "calendar.read",
        chain=caller.organisation,
        target_type="organisation",
        detail={"found": len(entries)},
    )
    return {name: said.clock for name, said in contents.items() if said and said.clock}


def opened_with(key: bytes, entry: CaseEntry) -> EntryContent | None:
    if entry.content is None:
        return None
    return EntryContent.model_validate(_opened(key, entry, "content", entry.content))


async def picture(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, entry_id: UUID
) -> bytes:
    """Return an entry's picture, and audit the access."""
    case = await cases.own_case(session, caller, case_id)
    entry = await queries.one(session, caller, case.id, entry_id)
    if entry.file is None:
        raise NOT_FOUND.because("no_such_entry_in_this_case")
    key = await key_of(keys, case.id)
    await _record(session, caller, "entry.picture_read", entry)
    return base64.b64decode(_opened(key, entry, FILE, entry.file))


def _opened(key: bytes, entry: CaseEntry, column: str, sealed: bytes) -> Any:
    return open_column(key, sealed, organisation=entry.organisation_id, row=entry.id, column=column)


def _sealed(key: bytes, entry: CaseEntry, column: str, value: Any) -> bytes:
    return seal_column(key, value, organisation=entry.organisation_id, row=entry.id, column=column)


def _content(body: EntryContent) -> dict[str, Any]:
    return body.model_dump(mode="json", include=set(EntryContent.model_fields), exclude_none=True)


async def _open_entry(
    session: AsyncSession, caller: Principal, case_id: UUID, entry_id: UUID
) -> CaseEntry:
    case = await cases.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    entry = await queries.one(session, caller, case_id, entry_id, lock=True)
    if entry.taken_back_at is not None:
        raise CONFLICT.because("this_entry_was_taken_back")
    return entry


async def _end_open(session: AsyncSession, case_id: UUID, kind: EntryKind) -> None:
    await session.execute(
        sa.update(CaseEntry)
        .where(
            col(CaseEntry.case_id) == case_id,
            col(CaseEntry.kind) == kind.code,
            col(CaseEntry.done_at).is_(None),
        )
        .values(done_at=clock.now())
    )


async def _touch(
    session: AsyncSession, caller: Principal | None, action: str, entry: CaseEntry
) -> None:
    entry.version += 1
    entry.changed_at = clock.now()
    entry.changed_by = caller.subject if caller else SYSTEM_CLIENT
    await session.flush()
    await _record(session, caller, action, entry)


async def _record(
    session: AsyncSession, caller: Principal | None, action: str, entry: CaseEntry
) -> None:
    await record(
        session,
        caller,
        action,
        chain=entry.case_id,
        target_id=entry.id,
        detail={"entry": entry.kind},
    )


def _refuse_odd_days(happened_on: date | None, due_on: date | None) -> None:
    today = clock.today()
    if happened_on is not None and not today - _LONGEST_AGO <= happened_on <= today:
        raise INVALID.because("not_in_future_and_not_more", pointer="/happened_on")
    if due_on is not None and not today <= due_on <= today + _LONGEST_AHEAD:
        raise INVALID.because("from_today_to_two_years_ahead", pointer="/due_on")
