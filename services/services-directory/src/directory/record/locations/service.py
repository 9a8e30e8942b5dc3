"""Locations. A location that several services share is stored once and copied into each of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import FieldError
from common.happenings import tell
from common.http import check_if_match, etag_of
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import NOT_YOURS, TOO_OPEN
from directory.ground.entries.history import record_history
from directory.ground.entries.offered import is_published
from directory.ground.entries.states import curates, endorsements
from directory.ground.happenings import PlaceCopied, PlacesChanged
from directory.ground.hsds.identity import with_ids
from directory.ground.hsds.safety import dangers
from directory.ground.hsds.schemas import LocationDocument
from directory.ground.hsds.visibility import level_of, unstorable
from directory.record.locations.models import locations, service_locations
from directory.record.records import service as records
from directory.record.records.queries import readable_ids

Document = dict[str, Any]
_UUIDS = sa.ARRAY(sa.Uuid)


async def known(
    session: AsyncSession, ids: Iterable[UUID], *, lock: bool = False
) -> dict[UUID, Any]:
    """Return location rows by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    found = sa.select(locations).where(locations.c.id == sa.any_(sa.literal(wanted, _UUIDS)))
    rows = await session.execute(found.with_for_update() if lock else found)
    return {row.id: row for row in rows}


async def editable(
    session: AsyncSession, caller: Principal, ids: Iterable[UUID]
) -> dict[UUID, Any]:
    """Return the given places whose record the caller may read. Either the caller's organisation entered the place, or
    the caller may read the record of a service there. Knowing an id is not enough: adding a hidden place to one's own
    service would reveal it."""
    rows = await known(session, ids)
    own = {key for key, row in rows.items() if row.managed_by == caller.organisation_id}
    foreign = [key for key in rows if key not in own]
    if foreign:
        own |= set(
            await session.scalars(
                sa.select(service_locations.c.location_id).where(
                    service_locations.c.location_id == sa.any_(sa.literal(foreign, _UUIDS)),
                    service_locations.c.service_id.in_(readable_ids(caller)),
                )
            )
        )
    return {key: row for key, row in rows.items() if key in own}


async def put(
    session: AsyncSession, caller: Principal, own: UUID, document: LocationDocument
) -> Any:
    """Write a place's record and return its row. Raise 422 for a restricted place with an address."""
    plain = with_ids(document.plain(), own)
    wrong = unstorable(plain, level_of(plain))
    if wrong:
        why = "of a restricted place only the state (pcode) is kept"
        raise TOO_OPEN.saying(
            why, errors=[FieldError(f"/{key}", why, TOO_OPEN.code) for key in wrong]
        )
    before = (await known(session, [own])).get(own)
    if _differs(before, plain):
        await _keep(session, [plain], caller.organisation)
        await record_history(
            session,
            caller,
            "location",
            own,
            version=1 if before is None else before.version + 1,
            old={} if before is None else before.document,
            new=plain,
        )
    return (await known(session, [own]))[own]


async def replace(
    session: AsyncSession,
    caller: Principal,
    own: UUID,
    document: LocationDocument,
    if_match: str | None,
) -> tuple[Any, Any]:
    """Change a place that services use. Return the row before and after. Published services change at once. Raise 403
    if the caller may not publish one of them, and 422 if one of them may not show the place."""
    at_it = await _locked_at(session, [own])
    before = (await known(session, [own], lock=True))[own]
    check_if_match(if_match, etag_of(before.version))
    for row in at_it:
        if is_published(row.approved, row.state, row.restricted) and not curates(
            caller, row.aors, row.states
        ):
            raise NOT_YOURS.because("published_service_is_there_only_its_coordinator")
    changed = await put(session, caller, own, document)
    for row in at_it:
        _check_not_too_open(_with(row.document, {str(own): changed.document}))
    await tell(session, PlacesChanged({str(own): changed.document}, caller))
    return before, changed


def _check_not_too_open(service: Document) -> None:
    found = next(dangers(service), None)
    if found is not None:
        raise TOO_OPEN.saying(found[1])


async def closed_since(session: AsyncSession, service: Document) -> Document:
    """Return the service with newer copies of the places that have become more restricted. A draft is approved later
    than it was written, so it must not make a place visible again."""
    said = {
        site["location"]["id"]: level_of(site["location"])
        for site in service.get("service_at_locations", [])
        if "location" in site
    }
    rows = await known(session, map(UUID, said))
    closed = {
        str(key): row.document for key, row in rows.items() if row.visibility > said[str(key)]
    }
    return _with(service, closed) if closed else service


async def publish(
    session: AsyncSession, service_id: UUID, managed_by: UUID, shown: Sequence[Document]
) -> list[UUID]:
    """Store the newest form of a service's locations (the last one, if a location has several). Return the services
    that showed an older form."""
    rows = await known(session, {UUID(each["id"]) for each in shown})
    kept = {str(key): row.document for key, row in rows.items()}
    newest: dict[str, Document] = {}
    older: dict[str, Document] = {}
    for location in shown:
        key = location["id"]
        if kept.get(key) == location:
            continue
        if key in kept:
            older[key] = location
        kept[key] = newest[key] = location
    await _keep(session, newest.values(), managed_by)
    await session.execute(
        sa.delete(service_locations).where(service_locations.c.service_id == service_id)
    )
    at_places = [{"service_id": service_id, "location_id": UUID(each["id"])} for each in shown]
    if at_places:
        await session.execute(insert(service_locations).on_conflict_do_nothing(), at_places)
    return await copy_into_services(session, older) if older else []


async def _keep(session: AsyncSession, kept: Iterable[Document], managed_by: UUID) -> None:
    now = clock.now()
    rows = [
        {
            "id": UUID(document["id"]),
            "document": document,
            "managed_by": managed_by,
            "visibility": level_of(document),
            "version": 1,
            "created_at": now,
            "modified_at": now,
        }
        for document in kept
    ]
    if rows:
        await session.execute(_KEEP, rows)


_new = insert(locations)
_KEEP = _new.on_conflict_do_update(
    index_elements=["id"],
    set_={
        "document": _new.excluded.document,
        "visibility": _new.excluded.visibility,
        "version": locations.c.version + 1,
        "modified_at": _new.excluded.modified_at,
    },
)


async def copy_into_services(
    session: AsyncSession, newest: Mapping[str, Document], caller: Principal | None = None
) -> list[UUID]:
    """Copy the newest form of the locations into all services there. Return the services that changed.

    Each changed service gets a new version. Editors who read the old version get 412 and cannot restore the old place.
    `caller` is the person who changed the place and may publish all these services.
    """
    touched: list[UUID] = []
    for row in await _locked_at(session, [UUID(each) for each in newest]):
        document = _taking(row.document, newest)
        approved = row.approved and _taking(row.approved, newest)
        if (document, approved) == (row.document, row.approved):
            continue
        await records.change(
            session, row.id, document=document, approved=approved, version=row.version + 1
        )
        if approved != row.approved:
            own = () if caller is None else endorsements(caller, row.aors)
            await tell(session, PlaceCopied(row.id, row.approved, approved, own))
        touched.append(row.id)
    return touched


async def _locked_at(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Any]:
    """Return the locked records of the services at these places."""
    at_them = sa.select(service_locations.c.service_id).where(
        service_locations.c.location_id == sa.any_(sa.literal(list(ids), _UUIDS))
    )
    return await records.locked_among(session, at_them)


def _taking(service: Document, newest: Mapping[str, Document]) -> Document:
    taken = _with(service, newest)
    return service if next(dangers(taken), None) else taken


def _with(service: Document, newest: Mapping[str, Document]) -> Document:
    sites = [
        {**site, "location": newest.get(site.get("location", {}).get("id"), site.get("location"))}
        if site.get("location")
        else site
        for site in service.get("service_at_locations", [])
    ]
    return {**service, "service_at_locations": sites} if sites else service


def _differs(row: Any, location: Document) -> bool:
    return row is None or row.document != location


async def hand_over(session: AsyncSession, ids: Collection[UUID], former: UUID, to: UUID) -> None:
    """Transfer the places that the former organisation manages to its successor."""
    kept = sa.and_(
        locations.c.id == sa.any_(sa.literal([*ids], _UUIDS)), locations.c.managed_by == former
    )
    await session.execute(sa.update(locations).where(kept).values(managed_by=to))
