"""Locations: one place that several services share is kept once and copied into each of them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import FieldError
from common.writes import RowWriter, write_soon
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.recording import record_history
from services_directory.errors import TOO_OPEN
from services_directory.hsds.identity import with_ids
from services_directory.hsds.schemas import LocationDocument
from services_directory.hsds.visibility import level_of, unstorable
from services_directory.locations.models import locations
from services_directory.services.models import service_locations, services
from services_directory.services.record_queries import readable

Document = dict[str, Any]
_UUIDS = sa.ARRAY(sa.Uuid)
_PLACED = RowWriter(service_locations, "service_id", "location_id", on_conflict="DO NOTHING")


async def known(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Location rows by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await session.execute(
        sa.select(locations).where(locations.c.id == sa.any_(sa.literal(wanted, _UUIDS)))
    )
    return {row.id: row for row in rows}


async def editable(
    session: AsyncSession, principal: Principal, ids: Iterable[UUID]
) -> dict[UUID, Any]:
    """Rows of those places whose record the caller may read: entered by its own organisation, or
    with a service at it whose record it may read. Knowing an id is not enough: a copy of a hidden
    place inside a service of one's own would show it."""
    rows = await known(session, ids)
    own = {key for key, row in rows.items() if row.managed_by == principal.organisation_id}
    foreign = [key for key in rows if key not in own]
    if foreign:
        own |= set(
            await session.scalars(
                sa.select(service_locations.c.location_id)
                .join(services, services.c.id == service_locations.c.service_id)
                .where(
                    service_locations.c.location_id == sa.any_(sa.literal(foreign, _UUIDS)),
                    readable(principal),
                )
            )
        )
    return {key: row for key, row in rows.items() if key in own}


async def put(
    session: AsyncSession, principal: Principal, own: UUID, document: LocationDocument
) -> Any:
    """Write a place's record; the row as it is then. 422 for a restricted place with an address."""
    plain = with_ids(document.plain(), own)
    wrong = unstorable(plain, level_of(plain))
    if wrong:
        why = "of a restricted place only the state (pcode) is kept"
        raise TOO_OPEN.because(
            why, errors=[FieldError(f"/{key}", why, TOO_OPEN.code) for key in wrong]
        )
    before = (await known(session, [own])).get(own)
    if _differs(before, plain):
        await _keep(session, plain, principal.organisation, clock.now())
        record_history(
            session,
            principal,
            "location",
            own,
            version=1 if before is None else before.version + 1,
            old={} if before is None else before.document,
            new=plain,
        )
    return (await known(session, [own]))[own]


async def publish(
    session: AsyncSession, managed_by: UUID, service_id: UUID, shown: list[Document]
) -> list[UUID]:
    """Keep the newest form of these locations; returns other services that show an older one."""
    ids = [UUID(location["id"]) for location in shown]
    rows = await known(session, ids)
    now = clock.now()
    changed = [one for one in shown if _differs(rows.get(UUID(one["id"])), one)]
    for location in changed:
        await _keep(session, location, managed_by, now)
    await session.execute(
        sa.delete(service_locations).where(service_locations.c.service_id == service_id)
    )
    for each in ids:
        write_soon(session, _PLACED, {"service_id": service_id, "location_id": each})
    older = [UUID(one["id"]) for one in changed if UUID(one["id"]) in rows]
    if not older:
        return []
    newest = {location["id"]: location for location in changed}
    return await copy_into_services(session, newest, service_id)


async def _keep(session: AsyncSession, location: Document, managed_by: UUID, now: Any) -> None:
    values = {
        "id": UUID(location["id"]),
        "document": location,
        "managed_by": managed_by,
        "visibility": level_of(location),
        "version": 1,
        "created_at": now,
        "modified_at": now,
    }
    statement = insert(locations).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "document": statement.excluded.document,
                "visibility": statement.excluded.visibility,
                "version": locations.c.version + 1,
                "modified_at": now,
            },
        )
    )


async def copy_into_services(
    session: AsyncSession, newest: dict[str, Document], but_not: UUID | None = None
) -> list[UUID]:
    """Put the newest form of the locations into all approved services at them; returns those."""
    ids = [UUID(each) for each in newest]
    rows = await session.execute(
        sa.select(services.c.id, services.c.document, services.c.approved)
        .where(
            services.c.id.in_(
                sa.select(service_locations.c.service_id).where(
                    service_locations.c.location_id == sa.any_(sa.literal(ids, _UUIDS))
                )
            )
        )
        .order_by(services.c.id)
        .with_for_update()
    )
    touched: list[UUID] = []
    for row in rows:
        if row.id == but_not:
            continue
        await session.execute(
            sa.update(services)
            .where(services.c.id == row.id)
            .values(
                document=_with(row.document, newest),
                approved=row.approved and _with(row.approved, newest),
            )
        )
        touched.append(row.id)
    return touched


def _with(service: Document, newest: dict[str, Document]) -> Document:
    sites = [
        {**site, "location": newest.get(site.get("location", {}).get("id"), site.get("location"))}
        if site.get("location")
        else site
        for site in service.get("service_at_locations", [])
    ]
    return {**service, "service_at_locations": sites} if sites else service


def _differs(row: Any, location: Document) -> bool:
    return row is None or row.document != location
