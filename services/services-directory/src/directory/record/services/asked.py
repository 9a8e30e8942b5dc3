"""What documents that are entered together need to know, asked for by a question for all instead of several
for each. What one of them changes is asked for again when the next one needs it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.ids import own_id
from directory.ground.entries.states import reads_every_record
from directory.ground.hsds.given import Given
from directory.record.documents.queries import taken_sites
from directory.record.locations import service as places
from directory.record.records.queries import Entered, approved_forms, entered, standing_ids
from directory.record.services.drafting import locations_in

Document = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """`records`: locked ones by id, None for an id that no record has; `places`: rows that the caller may
    name, None for an id of none; `sites`: whether they stand. What is in none of them was not asked for.
    `approved`: of the records, once somebody asks."""

    records: dict[UUID, Entered | None] = field(default_factory=dict)
    places: dict[UUID, Any] = field(default_factory=dict)
    sites: dict[UUID, bool] = field(default_factory=dict)
    approved: dict[UUID, Document | None] = field(default_factory=dict)

    @classmethod
    async def of(
        cls,
        session: AsyncSession,
        caller: Principal,
        documents: Sequence[tuple[Given, UUID | None]],
        read: Mapping[UUID, Any],
    ) -> "Asked":
        """Of documents, each with the service that its external id stands for, if it stands for any; `read`: rows
        of records that were read before."""
        known = {entity for _, entity in documents if entity is not None}
        brought = {each.id for each, entity in documents if entity is None and each.id}
        free = brought | {own_id(caller, each) for each in brought}
        named = {place for each, _ in documents for place in each.places}
        sites = {site for each, _ in documents for site in each.sites}
        rows = await entered(session, known, read, lock=True) if known else {}
        taken = await standing_ids(session, free - known) if free - known else set()
        editable = await places.editable(session, caller, named) if named else {}
        asks = sites and reads_every_record(caller)
        standing = await taken_sites(session, sites) if asks else set()
        return cls(
            records={key: rows.get(key) for key in known}
            | dict.fromkeys(key for key in free - known if key not in taken),
            places={key: editable.get(key) for key in named},
            sites={key: key in standing for key in sites} if asks else {},
        )

    async def row_of(self, session: AsyncSession, service_id: UUID) -> Entered | None:
        return await self._record(session, service_id, lock=False)

    async def locked(self, session: AsyncSession, service_id: UUID) -> Entered | None:
        return await self._record(session, service_id, lock=True)

    async def _record(
        self, session: AsyncSession, service_id: UUID, *, lock: bool
    ) -> Entered | None:
        if service_id in self.records:
            return self.records[service_id]
        return (await entered(session, [service_id], {}, lock=lock)).get(service_id)

    async def editable(
        self, session: AsyncSession, caller: Principal, ids: Collection[UUID]
    ) -> dict[UUID, Any]:
        """Rows of those of the places that the caller may name."""
        found = {each: row for each in ids if (row := self.places.get(each)) is not None}
        if rest := [each for each in ids if each not in self.places]:
            found |= await places.editable(session, caller, rest)
        return found

    async def standing(self, session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
        """Those of the sites that a service has."""
        found = {each for each in ids if self.sites.get(each)}
        if rest := [each for each in ids if each not in self.sites]:
            found |= await taken_sites(session, rest)
        return found

    def wrote(self, service_id: UUID, document: Document) -> None:
        """Its sites stand from now on, though their documents are written at the end."""
        self.forget([service_id])
        for site in document.get("service_at_locations", ()):
            self.sites[UUID(site["id"])] = True

    def forget(self, services: Iterable[UUID] = (), placed: Iterable[str] = ()) -> None:
        """They were written."""
        for service in services:
            self.records.pop(service, None)
            self.approved.pop(service, None)
        for place in placed:
            self.places.pop(UUID(place), None)

    async def shows_otherwise(
        self, session: AsyncSession, service_id: UUID, forms: Mapping[str, Document]
    ) -> bool:
        """Whether the record shows one of these places in another form, or may: nobody asked for it."""
        if service_id not in self.records:
            return True
        row = self.records[service_id]
        if row is None:
            return False
        if service_id not in self.approved:
            self.approved |= await approved_forms(
                session, [key for key, each in self.records.items() if each is not None]
            )
        return any(
            forms.get(place["id"], place) != place
            for document in (row.document, self.approved[service_id])
            for place in locations_in(document or {})
        )
