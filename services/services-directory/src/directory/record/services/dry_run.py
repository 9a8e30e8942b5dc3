"""The dry run of an import: the result of entering a service, without entering it. It only reads and takes no lock, so
no writer waits. The rules are the same as in upsert.py."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.schemas import Outcome, Upserted
from directory.ground.entries.states import EntryState, curates
from directory.ground.hsds.given import Given
from directory.ground.hsds.taxonomy import aors_of
from directory.record.locations import service as places
from directory.record.organizations import service as organizations
from directory.record.records.rights import Scope
from directory.record.records.service import row_of
from directory.record.services.drafts import (
    draft,
    locations_in,
    references_in,
    states_in,
    with_locations,
)
from directory.record.services.own_ids import own_ids
from directory.record.services.permits import check_may_write
from directory.record.services.upsert import (
    brought_as,
    check_not_merged,
    stored,
    withdrawn_by_hand,
)


@dataclass(slots=True)
class Judged:
    """Organisations and places that earlier rows of the same file would create."""

    organizations: dict[Any, Any] = field(default_factory=dict)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)


async def judge(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    entity: UUID | None,
    source: str,
    before: Judged,
) -> Upserted:
    """Return the result of entering the document, or raise the errors that entering it would raise. `entity` is the
    service that the document's external id identifies."""
    known = entity or await brought_as(session, caller, document)
    row = await row_of(session, known) if known else None
    identity = known or new_id()
    organization = await _organization(session, caller, document, source, row, before)
    ids = await own_ids(session, caller, document, identity, row.document if row else None)
    plain = draft(document, identity, organization.id, ids)
    scope = Scope(
        organization.id,
        row.managed_by if row is not None else caller.organisation,
        aors_of(plain),
        states_in(plain),
    )
    check_may_write(caller, scope, organization, row)
    named = references_in(plain)
    settled = {location["id"]: location for location in locations_in(plain)}
    settled |= {str(key): before.places[str(key)] for key in named if str(key) in before.places}
    for key, place in (await places.editable(session, caller, named)).items():
        settled[str(key)] = place.document
    plain = with_locations(plain, settled)
    check_not_merged(row)
    publishes = curates(caller, scope.aors, scope.states)
    if publishes:
        before.places |= {each["id"]: each for each in locations_in(plain)}
    if row is not None and (row.document == plain or await withdrawn_by_hand(session, [row])):
        unchanged = stored(row.document, organization)
        return Upserted(identity, "unchanged", row.version, row.state, stored=unchanged)
    state = EntryState.APPROVED if publishes else EntryState.DRAFT
    version = 1 if row is None else row.version + 1
    outcome: Outcome = "created" if row is None else "changed"
    return Upserted(identity, outcome, version, state.value, stored=stored(plain, organization))


async def _organization(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    source: str,
    row: Any,
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
        )
    return before.organizations[key]
