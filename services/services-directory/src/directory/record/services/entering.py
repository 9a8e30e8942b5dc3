"""Entering services: create or change a record and, where the caller curates it, publish it at
once. Nothing here commits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.http import check_if_match, etag_of
from common.ids import new_id
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import ILLEGAL_STEP, NOT_YOURS, TOO_OPEN
from directory.ground.entries import states
from directory.ground.entries.ids import own_id
from directory.ground.entries.queries import (
    STATE,
    STATUS,
    changed_by_hand,
    endorsements_taken_back,
    levels_set_by_hand,
    said_by_hand,
)
from directory.ground.entries.recording import beginning, record_history, write_history
from directory.ground.entries.schemas import Upserted
from directory.ground.entries.states import EntryState, curates
from directory.ground.hsds.endorsed import outlived
from directory.ground.hsds.given import Given
from directory.ground.hsds.hidden_parts import keeping_hidden
from directory.ground.hsds.schemas import ServiceDocument
from directory.ground.hsds.status import is_closed, is_stale, valid_until
from directory.ground.hsds.taxonomy import aors_of
from directory.ground.hsds.visibility import level_of
from directory.ground.identities.queries import by_external_id
from directory.ground.identities.service import ExternalId, remember
from directory.record.documents.queries import is_shown
from directory.record.documents.storing import store
from directory.record.endorsements.service import (
    end_outlived,
    endorsement,
    write_endorsements,
)
from directory.record.houses.queries import waiting_words
from directory.record.houses.service import hear
from directory.record.locations import service as places
from directory.record.organizations import service as organizations
from directory.record.records.queries import approved_forms
from directory.record.records.rights import Scope, may_read
from directory.record.records.service import KIND, change, enter
from directory.record.services.asked import Asked
from directory.record.services.drafting import (
    draft,
    locations_in,
    phones_in,
    references_in,
    states_in,
    with_locations,
)
from directory.record.services.own_ids import own_ids
from directory.record.services.permits import check_may_write
from directory.record.services.said_once import SaidOnce
from directory.record.taxonomies.service import Terms, keep_terms

Row = dict[str, Any]


@dataclass(slots=True)
class NewEntries:
    """Services that are entered anew, with their history, ids and endorsements: a statement for each table writes
    those of all. Records that stand already are changed at once."""

    records: dict[UUID, Row] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    external_ids: list[ExternalId] = field(default_factory=list)
    endorsements: list[Row] = field(default_factory=list)

    async def write(self, session: AsyncSession) -> None:
        if not self.records:
            return
        await enter(session, list(self.records.values()))
        await write_history(session, self.history)
        await remember(session, self.external_ids)
        await write_endorsements(session, self.endorsements)
        for written in (self.records, self.history, self.external_ids, self.endorsements):
            written.clear()


@dataclass
class EntryBatch:
    """What one transaction enters together, so that what is the same for many is done once.

    `new` is written by `finish_together`, and before a document that may name one of its services or places.
    `placed` and `published` collect services whose locations and stored documents are written by
    `finish_together`; of `placed` the first `due` have to be there for the record of the next document.
    `organizations` are rows that are locked by now, by what a document says of them; `external_ids` are
    those that were asked for, with the service or None.
    """

    new: NewEntries = field(default_factory=NewEntries)
    placed: list[places.Placed] = field(default_factory=list)
    due: int = 0
    asked: Asked = field(default_factory=Asked)
    published: set[UUID] = field(default_factory=set)
    external_ids: dict[str, UUID | None] = field(default_factory=dict)
    organizations: dict[Any, Any] = field(default_factory=dict)
    said: SaidOnce = field(default_factory=SaidOnce)
    terms: Terms = field(default_factory=Terms)
    heard: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """Words by which services may be safe houses, in cells of a file that no field holds."""


async def upsert_service(
    session: AsyncSession,
    caller: Principal,
    document: Given | ServiceDocument,
    *,
    source: str | None = None,
    external_id: str | None = None,
    service_id: UUID | None = None,
    if_match: str | None = None,
    together: EntryBatch | None = None,
) -> Upserted:
    """Create or change a service and, where the caller curates it, publish it at once.

    Identity: `service_id`, else (source, external_id), else the document's id, as `own_ids` reads
    it. `if_match` (an ETag, or None for imports) guards an existing record. 403 for another
    organisation's entry, 412 for a stale ETag, 422 for what refers to nothing or would show too
    much. With `together` new records, locations and stored documents wait for `finish_together`.
    """
    if isinstance(document, ServiceDocument):
        document = Given.of(document)
    batch = EntryBatch() if together is None else together
    known = service_id or await _known(session, caller, document, source, external_id, batch)
    await _write_what_is_due(session, known, batch)
    row = await batch.asked.locked(session, known) if known else None
    if row is not None and if_match is not None:
        check_if_match(if_match, etag_of(row.version))
    identity = known or new_id()
    await _place_for(session, caller, document, None, batch)
    organization = await _organization(session, caller, document, source, row, together)
    ids = await own_ids(
        session, caller, document, identity, row.document if row else None, batch.asked
    )
    plain = draft(document, identity, organization.id, ids)
    scope = Scope(
        organization.id,
        row.managed_by if row is not None else caller.organisation,
        aors_of(plain),
        states_in(plain),
    )
    check_may_write(caller, scope, organization, row)
    plain = await _with_places(session, caller, plain, batch.asked)
    if source is not None:
        plain = await _opening_nothing(session, row, plain)
    check_not_merged(row)
    if row is not None and (
        row.document == plain or (source is not None and await withdrawn_by_hand(session, [row]))
    ):
        return Upserted(identity, "unchanged", row.version, row.state)
    publishes = curates(caller, scope.aors, scope.states)
    if publishes:
        await _place_for(session, caller, document, plain, batch)
    if publishes and row is not None and row.published:
        drafted = row.state != EntryState.APPROVED
        before = (await approved_forms(session, [identity]))[identity] if drafted else row.document
        await end_endorsements(session, identity, before, plain)
    version = await _write(
        session, caller, row, identity,
        plain=plain, scope=scope, publishes=publishes, source=source, new=batch.new,
    )  # fmt: skip
    batch.asked.wrote(identity, plain)
    if source and external_id:
        await _remember(session, ExternalId(KIND, source, external_id, identity), batch)
    if publishes:
        placed = places.Placed(identity, scope.managed_by, locations_in(plain), new=row is None)
        by_file = source is not None and row is not None
        taken_back = await endorsements_taken_back(session, identity) if by_file else set()
        await publish(session, caller, placed, plain, scope, batch, taken_back)
    if together is None:
        await finish_together(session, batch)
    state = EntryState.APPROVED if publishes else EntryState.DRAFT
    words = await waiting_words(session, identity) if publishes and together is None else ()
    return Upserted(identity, "created" if row is None else "changed", version, state.value, words)


async def _remember(session: AsyncSession, stands_for: ExternalId, batch: EntryBatch) -> None:
    if stands_for.entity_id in batch.new.records:
        batch.new.external_ids.append(stands_for)
    elif batch.external_ids.get(stands_for.external_id) != stands_for.entity_id:
        await remember(session, [stands_for])
    batch.external_ids[stands_for.external_id] = stands_for.entity_id


def check_not_merged(row: Any) -> None:
    if row is not None and row.state == EntryState.MERGED:
        raise ILLEGAL_STEP.because(
            "this_entry_was_merged_into_another",
            merged_into=str(row.merged_into),
            possible_steps=[],
        )


async def withdrawn_by_hand(session: AsyncSession, rows: Iterable[Any]) -> set[UUID]:
    """Those of the records that somebody here, and no file, ended: no file begins them again."""
    ended = [row.id for row in rows if row.state == EntryState.WITHDRAWN]
    return await said_by_hand(session, KIND, ended, STATE) if ended else set()


async def finish_together(session: AsyncSession, together: EntryBatch) -> None:
    """Write what waits: new records, terms, locations, and the stored documents of what was published."""
    await together.new.write(session)
    await keep_terms(session, together.terms)
    await _place(session, together)
    news = await hear(session, together.heard) if together.heard else set()
    await store(session, sorted(together.published | news))


async def _place(session: AsyncSession, batch: EntryBatch, most: int | None = None) -> None:
    """The first `most` that wait, or all."""
    await batch.new.write(session)
    placed, batch.placed = batch.placed[:most], batch.placed[len(batch.placed[:most]) :]
    touched = await places.publish(session, placed)
    batch.published.update(touched)
    batch.asked.forget(touched, _forms(placed))
    batch.due = 0


def _forms(placed: Iterable[places.Placed]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for one in placed for each in one.shown}


async def _write_what_is_due(session: AsyncSession, known: UUID | None, batch: EntryBatch) -> None:
    """A record is read as the documents before it left it, and its places."""
    if known in batch.new.records:
        await batch.new.write(session)
    if known is None or not batch.due:
        return
    if await batch.asked.shows_otherwise(session, known, _forms(batch.placed[: batch.due])):
        await _place(session, batch, batch.due)


async def _place_for(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    plain: dict[str, Any] | None,
    batch: EntryBatch,
) -> None:
    """What waits, if it has to be there for this document, which may name what one before it brought; with
    `plain`, if one place has two forms: both are kept, one after the other."""
    if not batch.placed or not document.places:
        return
    waiting = _forms(batch.placed)
    if plain is not None:
        has_to = any(waiting.get(each["id"], each) != each for each in locations_in(plain))
    else:
        sites = document.document.get("service_at_locations", ())
        has_to = any("location" not in each for each in sites) or any(
            own_id(caller, each) != each and str(each) in waiting for each in document.places
        )
    if has_to:
        await _place(session, batch)
    batch.due = len(batch.placed)


async def _known(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    source: str | None,
    external_id: str | None,
    together: EntryBatch,
) -> UUID | None:
    if source and external_id:
        if external_id in together.external_ids:
            known = together.external_ids[external_id]
        else:
            known = await by_external_id(session, KIND, source, external_id)
        if known is not None:
            return known
    if document.id is None:
        return None
    if document.id in together.new.records:
        await together.new.write(session)
    row = await together.asked.row_of(session, document.id)
    if row is not None and may_read(caller, row):
        return document.id
    if row is not None and await is_shown(session, caller, document.id):
        raise NOT_YOURS.because("only_its_organisation_or_curator_changes_this")
    return own_id(caller, document.id)


async def _organization(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    source: str | None,
    row: Any,
    together: EntryBatch | None,
) -> Any:
    """The organisation that the document names, else the record's, else the caller's own."""
    # What an existing record means without naming it is the record's own.
    if together is None or (row is not None and document.organization is None):
        return await _named_organization(session, caller, document, source, row)
    key = (together.said.of(document), document.organization_id)
    if key not in together.organizations:
        # Who may name a confidential one is who may read one of its services.
        await together.new.write(session)
        together.organizations[key] = await _named_organization(
            session, caller, document, source, row
        )
    return together.organizations[key]


async def _named_organization(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    source: str | None,
    row: Any,
) -> Any:
    if document.organization is not None:
        own = await organizations.ensure_organization(
            session, caller, document.organization, source=source
        )
        return await organizations.known(session, own)
    if document.organization_id is not None:
        if row is None or row.organization_id != document.organization_id:
            return await organizations.require(session, caller, document.organization_id)
        return await organizations.known(session, document.organization_id)
    if row is not None:
        return await organizations.known(session, row.organization_id)
    return await organizations.require(session, caller, caller.organisation)


async def _opening_nothing(
    session: AsyncSession, row: Any, plain: dict[str, Any]
) -> dict[str, Any]:
    """What a file says, with places as closed as they are by now. 422 if it would open an entry that somebody closed
    here: whoever read the file did not know of it yet."""
    if row is None or row.document == plain:
        return plain
    opens = level_of(plain) < level_of(row.document)
    if opens and level_of(plain) < (await levels_set_by_hand(session, KIND, [row.id])).get(
        row.id, 0
    ):
        raise TOO_OPEN.because("somebody_closed_it_here_it_is_opened", pointer="/visibility")
    if keeping_hidden(row.document, plain) != plain and await changed_by_hand(
        session, KIND, [row.id], or_entered=True
    ):
        raise TOO_OPEN.because("somebody_hid_part_of_it_here")
    closed = is_closed(row.document) and not is_closed(plain)
    if closed and await said_by_hand(session, KIND, [row.id], STATUS):
        raise TOO_OPEN.because(
            "somebody_said_here_that_it_is_closed",
            pointer="/functional_status",
        )
    return await places.closed_since(session, plain)


async def _with_places(
    session: AsyncSession, caller: Principal, plain: dict[str, Any], asked: Asked
) -> dict[str, Any]:
    settled = {location["id"]: location for location in locations_in(plain)}
    for key, row in (await asked.editable(session, caller, references_in(plain))).items():
        settled[str(key)] = row.document
    return with_locations(plain, settled)


async def _write(
    session: AsyncSession,
    caller: Principal,
    row: Any,
    identity: UUID,
    *,
    plain: dict[str, Any],
    scope: Scope,
    publishes: bool,
    source: str | None,
    new: NewEntries,
) -> int:
    now = clock.now()
    values = {
        "document": plain,
        "organization_id": scope.organization_id,
        "visibility": level_of(plain),
        "aors": scope.aors,
        "states": scope.states,
        "modified_at": now,
        "plain_name": folded(plain["name"]),
        "phone_digits": phones_in(plain),
    }
    draft_or_approved = approval(plain) if publishes else {"state": EntryState.DRAFT.value}
    version = 1 if row is None else row.version + 1
    if row is None:
        new.records[identity] = {
            "id": identity,
            "managed_by": scope.managed_by,
            "version": version,
            "created_at": now,
            "event_version": 0,
            **dict.fromkeys(
                ("announced", "restricted", "merged_into", "approved", "valid_until", "reminded_on")
            ),
            "stale": False,
            "withheld": False,
            **values,
            **draft_or_approved,
        }
        new.history.append(beginning(caller, KIND, identity, new=plain, source=source))
    else:
        # While a newer draft waits, what is published keeps the audience that was approved; a draft that says more
        # than that may be known by is read by those alone who may read what it will be.
        if row.published and not publishes:
            for key in ("organization_id", "aors", "states"):
                del values[key]
            values["visibility"] = max(row.visibility, level_of(plain))
        await change(session, identity, **{"version": version, **values, **draft_or_approved})
        await record_history(
            session,
            caller,
            KIND,
            identity,
            version=version,
            old=row.document,
            new=plain,
            source=source,
        )
    return version


def approval(plain: dict[str, Any]) -> dict[str, Any]:
    """Values of a record whose document is published."""
    return {
        "approved": plain,
        "state": EntryState.APPROVED.value,
        "organization_id": UUID(plain["organization_id"]),
        "visibility": level_of(plain),
        "aors": aors_of(plain),
        "states": states_in(plain),
        "valid_until": valid_until(plain),
        "stale": is_stale(plain, clock.today()),
        "reminded_on": None,
    }


async def end_endorsements(
    session: AsyncSession, service_id: UUID, before: dict[str, Any] | None, plain: dict[str, Any]
) -> None:
    """End those of what was published `before` that are none of what is published now."""
    if aors := outlived(before, plain):
        await end_outlived(session, service_id, aors)


async def publish(
    session: AsyncSession,
    caller: Principal,
    placed: places.Placed,
    plain: dict[str, Any],
    scope: Scope,
    together: EntryBatch,
    taken_back: Collection[str] = (),
) -> None:
    """Take in an approved document: its terms, its places, the approver's endorsements, but for those `taken_back`:
    whoever sends a file does not look at each entry again."""
    together.terms.take(plain)
    aors = sorted(set(states.endorsements(caller, scope.aors)) - set(taken_back))
    rows = [endorsement(caller, placed.service_id, aor) for aor in aors]
    if placed.new:
        together.new.endorsements += rows
    else:
        await write_endorsements(session, rows)
    together.placed.append(placed)
    together.published.add(placed.service_id)
