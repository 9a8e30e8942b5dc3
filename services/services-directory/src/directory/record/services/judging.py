"""What entering services would do, said without doing it: a dry run of an import.

Only reads, and locks nothing: whoever writes meanwhile waits for nobody. The rules are those of
entering.py; what a hundred rows need is asked for once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.auth import Principal
from common.errors import Problem
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import NOT_YOURS
from directory.ground.entries.ids import own_id
from directory.ground.entries.schemas import Upserted
from directory.ground.entries.states import EntryState, curates, reads_every_record
from directory.ground.hsds.given import Given
from directory.ground.hsds.taxonomy import aors_of
from directory.record.documents.queries import shown, taken_sites
from directory.record.locations import service as places
from directory.record.organizations import service as organizations
from directory.record.records.queries import records_of
from directory.record.records.rights import Scope, may_read
from directory.record.services.drafting import (
    draft,
    locations_in,
    references_in,
    states_in,
    with_locations,
)
from directory.record.services.entering import check_not_merged, withdrawn_by_hand
from directory.record.services.own_ids import own_ids_of
from directory.record.services.permits import check_may_write


@dataclass(slots=True)
class Judged:
    """What earlier rows of the same file brought: organisations, by what documents say of them, and places."""

    organizations: dict[Any, Any] = field(default_factory=dict)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)


Row = tuple[Given, UUID | None]
"""A document, and the service that its external id stands for."""


async def judge(
    session: AsyncSession,
    caller: Principal,
    rows: Sequence[tuple[Given | None, UUID | None]],
    source: str,
    before: Judged,
) -> list[Upserted | Problem | None]:
    """For each row what would become of it; None for one without a document."""
    given = [(document, entity) for document, entity in rows if document is not None]
    known = await _Known.of(session, caller, given)
    found: list[Upserted | Problem | None] = []
    for document, entity in rows:
        if document is None:
            found.append(None)
            continue
        try:
            row = document, entity
            found.append(await _judged(session, caller, row, source, known, before))
        except Problem as problem:
            found.append(problem)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """Of one batch: records by id, those of other organisations that are shown, places that the
    caller may name, sites that stand."""

    records: Mapping[UUID, Any]
    shown: frozenset[UUID]
    places: Mapping[UUID, Any]
    sites: frozenset[UUID]
    organizations: Mapping[UUID, Any]
    """Those that rows name by id, and those whose the records are."""
    ended: frozenset[UUID]
    """Of the records, those that somebody here ended."""

    @classmethod
    async def of(
        cls,
        session: AsyncSession,
        caller: Principal,
        rows: Sequence[Row],
    ) -> "_Known":
        ids = {entity for _, entity in rows if entity is not None}
        for document, _ in rows:
            if document.id is not None:
                ids |= {document.id, own_id(caller, document.id)}
        records = await records_of(session, ids)
        foreign = [key for key, row in records.items() if not may_read(caller, row)]
        seen = await shown(session, caller, foreign) if foreign else ()
        named: set[UUID] = set()
        sites: set[UUID] = set()
        owners = {row.organization_id for row in records.values()}
        for document, _ in rows:
            if document.organization and document.organization.id:
                owners.add(document.organization.id)
            named |= document.places
            sites |= document.sites
        readable = await places.editable(session, caller, named) if named else {}
        standing = (
            await taken_sites(session, sites) if sites and reads_every_record(caller) else set()
        )
        offering = await organizations.standing(session, owners)
        ended = frozenset(await withdrawn_by_hand(session, records.values()))
        return cls(records, frozenset(seen), readable, frozenset(standing), offering, ended)


async def _judged(
    session: AsyncSession,
    caller: Principal,
    given: Row,
    source: str,
    known: _Known,
    before: Judged,
) -> Upserted:
    document, entity = given
    identity = entity or _identity(caller, document, known)
    row = known.records.get(identity)
    organization = await _organization(session, caller, document, source, row, known, before)
    ids = own_ids_of(
        caller, document, identity, row.document if row else None, set(known.places), known.sites
    )
    plain = draft(document, identity, organization.id, ids)
    scope = Scope(
        organization.id,
        row.managed_by if row is not None else caller.organisation,
        aors_of(plain),
        states_in(plain),
    )
    check_may_write(caller, scope, organization, row)
    settled = {location["id"]: location for location in locations_in(plain)}
    for key in references_in(plain):
        if (place := known.places.get(key)) is not None:
            settled[str(key)] = place.document
        elif (brought := before.places.get(str(key))) is not None:
            settled[str(key)] = brought
    plain = with_locations(plain, settled)
    check_not_merged(row)
    publishes = curates(caller, scope.aors, scope.states)
    if publishes:
        before.places |= {each["id"]: each for each in locations_in(plain)}
    if row is not None and (row.document == plain or identity in known.ended):
        return Upserted(identity, "unchanged", row.version, row.state)
    state = EntryState.APPROVED if publishes else EntryState.DRAFT
    version = 1 if row is None else row.version + 1
    return Upserted(identity, "created" if row is None else "changed", version, state.value)


def _identity(caller: Principal, document: Given, known: _Known) -> UUID:
    brought = document.id
    if brought is None:
        return new_id()
    row = known.records.get(brought)
    if row is not None and may_read(caller, row):
        return brought
    if brought in known.shown:
        raise NOT_YOURS.because("only_its_organisation_or_curator_changes_this")
    return own_id(caller, brought)


async def _organization(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    source: str,
    row: Any,
    known: _Known,
    before: Judged,
) -> Any:
    said = document.organization.model_dump_json() if document.organization else None
    own = row.organization_id if row is not None and said is None else None
    key = (said, document.organization_id, own)
    if key not in before.organizations:
        before.organizations[key] = await organizations.expected(
            session,
            caller,
            document.organization,
            named=document.organization_id,
            own=own,
            source=source,
            standing=known.organizations,
        )
    return before.organizations[key]
