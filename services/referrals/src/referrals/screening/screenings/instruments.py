"""Instrument use cases: list, read, upload a version, retire a version."""

import asyncio
import hashlib
from functools import lru_cache
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, FORBIDDEN, NOT_FOUND, Problem
from common.ids import new_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.errors import INSTRUMENT_RETIRED, INSTRUMENT_UNREADABLE
from referrals.ground.audit.service import record
from referrals.ground.row_security import acting_as_service
from referrals.screening.screenings import queries
from referrals.screening.screenings.instrument import Instrument
from referrals.screening.screenings.models import InstrumentRow, Retirement
from referrals.screening.screenings.schemas import InstrumentDetail, InstrumentSummary, Upload
from referrals.screening.screenings.shipped import SHIPPED_ID, shipped
from referrals.screening.screenings.workbook_guard import UnreadableWorkbook
from referrals.screening.screenings.xlsform import read_xlsform

_retirements = Retirement.metadata.tables["instrument_retirements"]
MOST_VERSIONS = 200
_SPECIALIST = "TIP"
"""The area of responsibility whose coordinator manages the shared instruments."""


async def listed(session: AsyncSession, caller: Principal) -> list[InstrumentSummary]:
    gone = await queries.retired(session, caller.organisation)
    rows = await queries.instrument_rows(session, caller.organisation)
    own = [_summary(_read(row), row.id, row, row.id in gone) for row in rows]
    return [*own, _summary(shipped(), SHIPPED_ID, None, SHIPPED_ID in gone)]


async def detail(session: AsyncSession, caller: Principal, instrument_id: UUID) -> InstrumentDetail:
    row, instrument = await _found(session, caller.organisation, instrument_id)
    gone = await queries.retired(session, caller.organisation)
    summary = _summary(instrument, instrument_id, row, instrument_id in gone)
    return InstrumentDetail(**summary.model_dump(), instrument=instrument)


async def known(session: AsyncSession, organisation: UUID, instrument_id: UUID) -> Instrument:
    """Return the instrument, even if retired, because its screenings remain readable. Raise 404 if it is unknown."""
    return (await _found(session, organisation, instrument_id))[1]


async def usable(session: AsyncSession, organisation: UUID, instrument_id: UUID) -> Instrument:
    """Return the instrument for a new screening; raise 409 if its version is retired."""
    row, instrument = await _found(session, organisation, instrument_id)
    if row is not None and not (row.shared or row.organisation_id == organisation):
        raise _unknown()
    if instrument_id in await queries.retired(session, organisation):
        raise INSTRUMENT_RETIRED.because(
            "version_is_not_used_any_more",
            instrument.code,
            instrument.version,
            pointer="/instrument_id",
        )
    return instrument


async def upload(
    session: AsyncSession, caller: Principal, content: bytes, *, dry_run: bool
) -> Upload:
    """Store an XLSForm workbook as a version. Idempotent. Raise 422 with a pointer, or 409 if the same version exists
    with other content."""
    try:
        instrument = await asyncio.to_thread(read_xlsform, content)
    except UnreadableWorkbook as error:
        raise INSTRUMENT_UNREADABLE.saying(str(error), pointer=error.pointer) from error
    document = instrument.model_dump(mode="json", exclude_none=True)
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
    before = await queries.same_version(
        session, caller.organisation, instrument.code, instrument.version
    )
    if before is not None and before.sha256 != digest:
        raise CONFLICT.because(
            "version_of_exists_with_other_content_version",
            instrument.version,
            instrument.code,
            pointer="/settings/version",
        )
    if dry_run or before is not None:
        return Upload(id=before.id if before else None, dry_run=dry_run, instrument=instrument)
    if await queries.count_versions(session, caller.organisation) >= MOST_VERSIONS:
        raise CONFLICT.because("organisation_has_at_most_instruments", MOST_VERSIONS)
    row = InstrumentRow(
        id=new_id(),
        organisation_id=caller.organisation,
        shared=keeps_shared(caller),
        code=instrument.code,
        version=instrument.version,
        document=document,
        sha256=digest,
        created_at=clock.now(),
        created_by=caller.subject,
    )
    session.add(row)
    await session.flush()
    await record(
        session, caller, "instrument.uploaded", chain=caller.organisation, target_id=row.id
    )
    return Upload(id=row.id, dry_run=False, instrument=instrument)


async def retire(session: AsyncSession, caller: Principal, instrument_id: UUID) -> InstrumentDetail:
    """Retire this version: new screenings cannot use it, but existing ones remain readable."""
    row, _ = await _found(session, caller.organisation, instrument_id)
    foreign = row is None or row.organisation_id != caller.organisation
    if foreign and not keeps_shared(caller):
        raise FORBIDDEN.because("who_uploaded_it_or_counter_trafficking_coordinator")
    await session.execute(
        insert(_retirements)
        .inline()
        .values(
            instrument_id=instrument_id,
            organisation_id=caller.organisation,
            for_all=keeps_shared(caller) or bool(row and row.shared),
            retired_at=clock.now(),
            retired_by=caller.subject,
        )
        .on_conflict_do_nothing()
    )
    await record(
        session, caller, "instrument.retired", chain=caller.organisation, target_id=instrument_id
    )
    return await detail(session, caller, instrument_id)


def keeps_shared(caller: Principal) -> bool:
    """Return whether the caller may manage shared instruments. These are shared and retired everywhere, so coordinators
    of individual states may not."""
    return caller.coordinates(_SPECIALIST) and not caller.areas


async def _found(
    session: AsyncSession, organisation: UUID, instrument_id: UUID
) -> tuple[InstrumentRow | None, Instrument]:
    if instrument_id == SHIPPED_ID:
        return None, shipped()
    async with acting_as_service(session):
        row = await queries.instrument_row(session, organisation, instrument_id)
    if row is None:
        raise _unknown()
    return row, _read(row)


def _unknown() -> Problem:
    return NOT_FOUND.because("no_such_instrument_that_you_may_use")


def _read(row: InstrumentRow) -> Instrument:
    return _parsed(row.id, orjson.dumps(row.document))


@lru_cache(maxsize=64)
def _parsed(_instrument_id: UUID, document: bytes) -> Instrument:
    # Cached, because a version never changes and parsing its conditions takes time.
    return Instrument.model_validate_json(document)


def _summary(
    instrument: Instrument, instrument_id: UUID, row: InstrumentRow | None, retired: bool
) -> InstrumentSummary:
    return InstrumentSummary(
        id=instrument_id,
        code=instrument.code,
        version=instrument.version,
        title=instrument.title,
        shipped=row is None,
        shared=row is None or row.shared,
        organisation_id=row.organisation_id if row else None,
        retired=retired,
        questions=sum(each.answerable for each in instrument.questions),
    )
