"""Records of services for editors and curators, and the commands that change the table. Nothing here commits."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.sight import RESTRICTED
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.offered import ENDED
from directory.ground.entries.states import EntryState
from directory.ground.hsds.visibility import levels_in
from directory.ground.reading.restricted_service import log_restricted
from directory.record.records.models import services
from directory.record.records.rights import may_read

KIND = "service"


async def readable_record(
    session: AsyncSession, caller: Principal, service_id: UUID, *, lock: bool = False
) -> Any:
    """Return the record row for a caller who edits or curates it. Raise 404 for other callers."""
    row = await locked(session, service_id) if lock else await row_of(session, service_id)
    if row is None or not may_read(caller, row):
        raise NOT_FOUND.because("no_service_record_has_this_id")
    return row


async def looked_at(session: AsyncSession, caller: Principal, route: str, service_id: UUID) -> Any:
    """Return the row as `readable_record` does, and log the read of restricted parts."""
    row = await readable_record(session, caller, service_id)
    if RESTRICTED in levels_in(row.document, row.approved or {}):
        await log_restricted(session, caller, route, [service_id])
    return row


async def row_of(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(sa.select(services).where(services.c.id == service_id))
    ).one_or_none()


async def locked(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(
            sa.select(services).where(services.c.id == service_id).with_for_update()
        )
    ).one_or_none()


async def published_in_turn(session: AsyncSession) -> AsyncIterator[Any]:
    """Yield `id`, `state`, `approved` and `restricted` of all records that were ever published."""
    s = services.c
    statement = (
        sa.select(s.id, s.state, s.approved, s.restricted)
        .where(s.approved.is_not(None))
        .order_by(s.id)
        .execution_options(yield_per=500)
    )
    async for row in await session.stream(statement):
        yield row


async def locked_among(session: AsyncSession, ids: sa.Select[UUID]) -> Sequence[Any]:
    """Return `id`, `document`, `approved`, `state`, `restricted`, `version`, `aors` and `states` of these records,
    locked in id order."""
    s = services.c
    statement = (
        sa.select(s.id, s.document, s.approved, s.state, s.restricted, s.version, s.aors, s.states)
        .where(services.c.id.in_(ids))
        .order_by(services.c.id)
        .with_for_update()
    )
    return (await session.execute(statement)).all()


async def enter(session: AsyncSession, record: Mapping[str, Any]) -> None:
    await session.execute(sa.insert(services).values(record))


async def change(session: AsyncSession, service_id: UUID, **values: Any) -> None:
    """Change a locked record."""
    await session.execute(sa.update(services).where(services.c.id == service_id).values(**values))


async def end_in_favour(session: AsyncSession, ending: Any, into: UUID) -> int:
    """End a record that was merged into another record. Return its new version."""
    version: int = ending.version + 1
    await change(
        session,
        ending.id,
        state=EntryState.MERGED.value,
        merged_into=into,
        version=version,
        modified_at=clock.now(),
    )
    return version


# The same rule as `entries.offered.is_withdrawn`.
_TOLD_WITHDRAWN = sa.func.coalesce(services.c.restricted["withdrawn"].as_boolean(), sa.false())


async def take_to_withhold(
    session: AsyncSession, suspended: Collection[UUID], limit: int
) -> list[UUID]:
    """Lock records whose `withheld` does not match `suspended`, the suspended organisations."""
    s = services.c
    offered_by = s.organization_id == sa.any_(sa.literal(list(suspended), sa.ARRAY(sa.Uuid)))
    to_withhold = sa.and_(
        offered_by,
        sa.not_(s.withheld),
        s.approved.is_not(None),
        s.state.not_in(ENDED),
        sa.or_(s.state == EntryState.APPROVED, sa.not_(_TOLD_WITHDRAWN)),
    )
    found: list[UUID] = []
    for which in (to_withhold, sa.and_(s.withheld, sa.not_(offered_by))):
        statement = sa.select(s.id).where(which).limit(limit).with_for_update(skip_locked=True)
        found += await session.scalars(statement)
    return found


async def mark_stale(session: AsyncSession, today: date, limit: int) -> list[UUID]:
    """Mark published records whose verification has expired since the last sweep."""
    s = services.c
    return await _marked(session, limit, sa.not_(s.stale) & (s.valid_until < today), stale=True)


async def mark_fresh(session: AsyncSession, today: date, limit: int) -> list[UUID]:
    """Mark records as fresh again if they became stale while the clock was ahead."""
    s = services.c
    return await _marked(session, limit, s.stale & (s.valid_until >= today), stale=False)


async def mark_reminded(session: AsyncSession, today: date, until: date, limit: int) -> list[UUID]:
    """Mark published records that expire by `until` and have had no reminder yet."""
    s = services.c
    due = sa.and_(
        s.state.not_in(ENDED), s.reminded_on.is_(None), s.valid_until.between(today, until)
    )
    return await _marked(session, limit, due, reminded_on=today)


async def _marked(
    session: AsyncSession, limit: int, which: sa.ColumnElement[bool], **values: Any
) -> list[UUID]:
    """Set values of published records and return their ids."""
    statement = (
        sa.select(services.c.id)
        .where(services.c.approved.is_not(None), which)
        .order_by(services.c.valid_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(await session.scalars(statement))
    if ids:
        await session.execute(sa.update(services).where(services.c.id.in_(ids)).values(**values))
    return ids


async def next_event(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Any]:
    """Increment the event version of the published records, and return the values that their events need."""
    found = await session.execute(
        sa.update(services)
        .where(services.c.id.in_(ids), services.c.approved.is_not(None))
        .values(event_version=services.c.event_version + 1)
        .returning(
            services.c.id, services.c.organization_id, services.c.managed_by,
            services.c.aors, services.c.valid_until, services.c.event_version,
        )
    )  # fmt: skip
    return found.all()


@dataclass(frozen=True, slots=True)
class Told:
    """The last events that announced one record."""

    service_id: UUID
    event_version: int
    announced: dict[str, Any] | None
    restricted: Mapping[str, Any]
    withheld: bool


async def remember_told(session: AsyncSession, told: Sequence[Told]) -> None:
    if not told:
        return
    # Use the connection, because the ORM would look for mapped rows by primary key.
    connection = await session.connection()
    await connection.execute(
        _REMEMBER,
        [
            {
                "own": each.service_id,
                "event_version": each.event_version,
                "announced": each.announced,
                "restricted": each.restricted,
                "withheld": each.withheld,
            }
            for each in told
        ],
    )


_REMEMBER = (
    sa.update(services)
    .where(services.c.id == sa.bindparam("own"))
    .values(
        event_version=sa.bindparam("event_version"),
        announced=sa.bindparam("announced"),
        restricted=sa.bindparam("restricted"),
        withheld=sa.bindparam("withheld"),
    )
)
