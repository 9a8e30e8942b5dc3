"""Creates or changes a record and, if the caller curates it, publishes it at once. Nothing here commits."""

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
from directory.ground.entries.history import record_history
from directory.ground.entries.ids import own_id
from directory.ground.entries.queries import (
    STATE,
    STATUS,
    changed_by_hand,
    endorsements_taken_back,
    levels_set_by_hand,
    said_by_hand,
)
from directory.ground.entries.schemas import Outcome, Upserted
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
from directory.record.documents.refresh import store
from directory.record.endorsements.service import end_outlived, write_endorsements
from directory.record.houses.queries import waiting_words
from directory.record.locations import service as places
from directory.record.organizations import service as organizations
from directory.record.records.rights import Scope, may_read
from directory.record.records.service import KIND, change, enter, locked, row_of
from directory.record.services.drafts import (
    draft,
    locations_in,
    phones_in,
    references_in,
    states_in,
    with_locations,
)
from directory.record.services.own_ids import own_ids
from directory.record.services.permits import check_may_write
from directory.record.taxonomies.service import Terms, keep_terms


@dataclass
class Finish:
    """The writes that a transaction makes only once for all services in it."""

    published: set[UUID] = field(default_factory=set)
    sites: set[UUID] = field(default_factory=set)
    """Sites of the published services, whose documents are not written yet, so no query finds them."""
    terms: Terms = field(default_factory=Terms)

    async def write(self, session: AsyncSession) -> None:
        await keep_terms(session, self.terms)
        await store(session, sorted(self.published))


async def upsert_service(
    session: AsyncSession,
    caller: Principal,
    document: Given | ServiceDocument,
    *,
    source: str | None = None,
    external_id: str | None = None,
    service_id: UUID | None = None,
    if_match: str | None = None,
    finish: Finish | None = None,
) -> Upserted:
    """Create or change a service and, if the caller curates it, publish it at once.

    The identity is `service_id`, else (source, external_id), else the document's id as `own_ids` reads it. `if_match`
    (an ETag, or None for imports) guards an existing record. Raise 403 for another organisation's entry, 412 for a
    stale ETag, and 422 for a dangling reference or a document that would reveal too much. With `finish`, the caller
    writes the stored documents at the end.
    """
    if isinstance(document, ServiceDocument):
        document = Given.of(document)
    last = Finish() if finish is None else finish
    known = service_id
    if known is None and source and external_id:
        known = await by_external_id(session, KIND, source, external_id)
    known = known or await brought_as(session, caller, document)
    row = await locked(session, known) if known else None
    if row is not None and if_match is not None:
        check_if_match(if_match, etag_of(row.version))
    identity = known or new_id()
    organization = await _organization(session, caller, document, source, row)
    before = row.document if row else None
    ids = await own_ids(session, caller, document, identity, before, last.sites)
    plain = draft(document, identity, organization.id, ids)
    scope = Scope(
        organization.id,
        row.managed_by if row is not None else caller.organisation,
        aors_of(plain),
        states_in(plain),
    )
    check_may_write(caller, scope, organization, row)
    plain = await _with_places(session, caller, plain)
    if source is not None:
        plain = await _opening_nothing(session, row, plain)
    check_not_merged(row)
    if row is not None and (
        row.document == plain or (source is not None and await withdrawn_by_hand(session, [row]))
    ):
        return Upserted(
            identity, "unchanged", row.version, row.state, stored=stored(row.document, organization)
        )
    publishes = curates(caller, scope.aors, scope.states)
    if publishes and row is not None:
        await end_endorsements(session, identity, row.approved, plain)
    version = await _write(
        session, caller, row, identity, plain=plain, scope=scope, publishes=publishes, source=source
    )
    if source and external_id and service_id is None:
        await remember(session, [ExternalId(KIND, source, external_id, identity)])
    if publishes:
        by_file = source is not None and row is not None
        taken_back = await endorsements_taken_back(session, identity) if by_file else set()
        await publish(session, caller, identity, plain, scope, last, taken_back)
    if finish is None:
        await last.write(session)
    state = EntryState.APPROVED if publishes else EntryState.DRAFT
    words = await waiting_words(session, identity) if publishes and finish is None else ()
    outcome: Outcome = "created" if row is None else "changed"
    return Upserted(identity, outcome, version, state.value, words, stored(plain, organization))


def stored(plain: dict[str, Any], organization: Any) -> dict[str, Any]:
    return {**plain, "organization": organization.document}


def check_not_merged(row: Any) -> None:
    if row is not None and row.state == EntryState.MERGED:
        raise ILLEGAL_STEP.because(
            "this_entry_was_merged_into_another",
            merged_into=str(row.merged_into),
            possible_steps=[],
        )


async def withdrawn_by_hand(session: AsyncSession, rows: Iterable[Any]) -> set[UUID]:
    """Return those given records that a person withdrew here. No file may reopen them."""
    ended = [row.id for row in rows if row.state == EntryState.WITHDRAWN]
    return await said_by_hand(session, KIND, ended, STATE) if ended else set()


async def brought_as(session: AsyncSession, caller: Principal, document: Given) -> UUID | None:
    """Return the id of the record that the document's own id identifies."""
    if document.id is None:
        return None
    row = await row_of(session, document.id)
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
) -> Any:
    """Return the organisation that the document names, or else the record's, or else the caller's own."""
    if document.organization is not None:
        return await organizations.ensure_organization(
            session, caller, document.organization, source=source
        )
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
    """Return the file's document, with places as restricted as they are now. Raise 422 if it would reopen an entry that
    a person closed here, because the sender did not know about that yet."""
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
    session: AsyncSession, caller: Principal, plain: dict[str, Any]
) -> dict[str, Any]:
    settled = {location["id"]: location for location in locations_in(plain)}
    for key, row in (await places.editable(session, caller, references_in(plain))).items():
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
        await enter(
            session,
            {
                "id": identity,
                "managed_by": scope.managed_by,
                "version": version,
                "created_at": now,
                "event_version": 0,
                "stale": False,
                **values,
                **draft_or_approved,
            },
        )
    else:
        # While a newer draft is waiting, the published entry keeps its approved audience. If the draft needs a higher level,
        # only readers at that level may read the record.
        if row.approved is not None and not publishes:
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
        old={} if row is None else row.document,
        new=plain,
        source=source,
    )
    return version


def approval(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a record with a published document."""
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
    """End endorsements of the document published `before` that no longer apply to the new document."""
    if aors := outlived(before, plain):
        await end_outlived(session, service_id, aors)


async def publish(
    session: AsyncSession,
    caller: Principal,
    service_id: UUID,
    plain: dict[str, Any],
    scope: Scope,
    finish: Finish,
    taken_back: Collection[str] = (),
) -> None:
    """Publish an approved document: store its terms, its places and the approver's endorsements. Leave out the
    endorsements in `taken_back`, because a person who sends a file does not review each entry again."""
    finish.terms.take(plain)
    aors = set(states.endorsements(caller, scope.aors)) - set(taken_back)
    await write_endorsements(session, caller, service_id, sorted(aors))
    touched = await places.publish(session, service_id, scope.managed_by, locations_in(plain))
    finish.published.update((service_id, *touched))
    finish.sites.update(UUID(site["id"]) for site in plain.get("service_at_locations", ()))
