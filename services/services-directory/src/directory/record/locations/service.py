"""Locations: one place that several services share is kept once and copied into each of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
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
from directory.ground.entries.offered import is_published
from directory.ground.entries.recording import record_history
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
    """Location rows by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    found = sa.select(locations).where(locations.c.id == sa.any_(sa.literal(wanted, _UUIDS)))
    rows = await session.execute(found.with_for_update() if lock else found)
    return {row.id: row for row in rows}


async def editable(
    session: AsyncSession, caller: Principal, ids: Iterable[UUID]
) -> dict[UUID, Any]:
    """Rows of those places whose record the caller may read: entered by its own organisation, or
    with a service at it whose record it may read. Knowing an id is not enough: a copy of a hidden
    place inside a service of one's own would show it."""
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
    """Write a place's record; the row as it is then. 422 for a restricted place with an address."""
    plain = with_ids(document.plain(), own)
    wrong = unstorable(plain, level_of(plain))
    if wrong:
        why = "of a restricted place only the state (pcode) is kept"
        raise TOO_OPEN.saying(
            why, errors=[FieldError(f"/{key}", why, TOO_OPEN.code) for key in wrong]
        )
    before = (await known(session, [own])).get(own)
    if _differs(before, plain):
        await _keep(session, [_Kept(plain, caller.organisation)], clock.now())
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
    """As `put`, of a place at which there are services: what is published of them changes at once, so whoever may
    not publish them is refused (403), and what one of them may not show, too (422). The row before and after."""
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
    """The service with those of its places that are more closed by now than it says: a draft is approved later
    than it was written, and must open no place again, here or in other services at it."""
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


@dataclass(frozen=True, slots=True)
class Placed:
    """The locations that a service shows now, as its record has them. `new`: it had none before."""

    service_id: UUID
    managed_by: UUID
    shown: Sequence[Document]
    new: bool


async def publish(session: AsyncSession, placed: Sequence[Placed]) -> list[UUID]:
    """Keep the newest form of these locations, the last where several differ; returns services
    that showed an older one."""
    rows = await known(session, {UUID(each["id"]) for one in placed for each in one.shown})
    kept = {str(key): row.document for key, row in rows.items()}
    newest: dict[str, _Kept] = {}
    older: dict[str, Document] = {}
    for one in placed:
        for location in one.shown:
            key = location["id"]
            if kept.get(key) == location:
                continue
            if key in kept:
                older[key] = location
            kept[key] = location
            newest[key] = _Kept(location, one.managed_by)
    await _keep(session, list(newest.values()), clock.now())
    before = [one.service_id for one in placed if not one.new]
    if before:
        await session.execute(_UNPLACE, {"services": before})
    last = {one.service_id: one for one in placed}  # one may have been entered twice
    at_places = [
        {"service_id": one.service_id, "location_id": UUID(location["id"])}
        for one in last.values()
        for location in one.shown
    ]
    if at_places:
        await session.execute(insert(service_locations).on_conflict_do_nothing(), at_places)
    return await copy_into_services(session, older) if older else []


_UNPLACE = sa.delete(service_locations).where(
    service_locations.c.service_id == sa.any_(sa.bindparam("services", type_=_UUIDS))
)


class _Kept(NamedTuple):
    document: Document
    managed_by: UUID


async def _keep(session: AsyncSession, kept: Sequence[_Kept], now: datetime) -> None:
    if not kept:
        return
    rows = [
        {
            "id": UUID(one.document["id"]),
            "document": one.document,
            "managed_by": one.managed_by,
            "visibility": level_of(one.document),
            "version": 1,
            "created_at": now,
            "modified_at": now,
        }
        for one in kept
    ]
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
    """Put the newest form of the locations into all services at them; returns those that differed. A service that
    may not show a place so keeps it as it was. Whoever has read a record before reads it again before they write
    (412): they would bring the former place back. `caller`: who may publish all of them, and changed the place."""
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
    """Records of the services at these places."""
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
