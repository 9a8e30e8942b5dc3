"""Use cases of service entries: write, approve, withdraw, verify, capacity. Nothing here commits."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.ids import new_id
from common.places import folded
from common.sight import PATHWAY
from common.web import check_if_match, etag_of
from common.writes import RowWriter, write_soon
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation import states
from services_directory.curation.models import CAPACITY_DOUBTED, reminders
from services_directory.curation.recording import record_history
from services_directory.curation.states import State, curates, possible_steps
from services_directory.errors import ILLEGAL_STEP, NOT_YOURS
from services_directory.hsds.schemas import ServiceDocument
from services_directory.hsds.status import is_stale, valid_until
from services_directory.hsds.taxonomy import aors_of
from services_directory.hsds.visibility import level_of
from services_directory.identities.queries import by_external_id
from services_directory.identities.service import remember
from services_directory.locations import service as places
from services_directory.organizations import service as organizations
from services_directory.pathways.service import endorse_soon
from services_directory.services.drafting import (
    draft,
    locations_in,
    phones_in,
    references_in,
    states_in,
    with_locations,
)
from services_directory.services.models import services
from services_directory.services.own_ids import own_id, own_ids
from services_directory.services.record_queries import is_shown
from services_directory.services.schemas import CapacityIn, Upserted, VerificationIn
from services_directory.services.storing import store
from services_directory.taxonomies.service import keep_terms

KIND = "service"
_NEW = RowWriter(services, *services.c.keys(), entity=True)
DEFAULT_VALIDITY = timedelta(days=90)


@dataclass
class Together:
    """What one transaction enters together, so that what is the same for many is done once.

    `placed` and `published` collect services whose locations and stored documents are written by
    `finish_together`; `organizations` are rows that are locked by now, by what a document says of them;
    `external_ids` are those that were asked for, with the service or None.
    """

    placed: list[places.Placed] = field(default_factory=list)
    published: set[UUID] = field(default_factory=set)
    external_ids: dict[str, UUID | None] = field(default_factory=dict)
    organizations: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Scope:
    """Who a service concerns: decides who may read its record, change it and approve it."""

    organization_id: UUID
    managed_by: UUID
    aors: list[str]
    states: list[str]


async def upsert_service(
    session: AsyncSession,
    principal: Principal,
    document: ServiceDocument,
    *,
    source: str | None = None,
    external_id: str | None = None,
    service_id: UUID | None = None,
    if_match: str | None = None,
    together: Together | None = None,
) -> Upserted:
    """Create or change a service and, where the caller curates it, publish it at once.

    Identity: `service_id`, else (source, external_id), else the document's id, as `own_ids` reads
    it. `if_match` (an ETag, or None for imports) guards an existing record. 403 for another
    organisation's entry, 412 for a stale ETag, 422 for what refers to nothing or would show too
    much. With `together` locations and stored documents wait for `finish_together`.
    """
    known = service_id or await _known(
        session, principal, document, source, external_id, together or Together()
    )
    row = await _locked(session, known) if known else None
    if row is not None and if_match is not None:
        check_if_match(if_match, etag_of(row.version))
    identity = known or new_id()
    if together is not None and _names_places(document):
        await _place(session, together)  # it may name what a document before it brought
    organization = await _organization(session, principal, document, source, row, together)
    ids = await own_ids(session, principal, document, identity, row.document if row else None)
    plain = draft(document, identity, organization.id, ids)
    scope = _Scope(
        organization.id,
        row.managed_by if row is not None else principal.organisation,
        aors_of(plain),
        states_in(plain),
    )
    _check_may_write(principal, scope, organization, row)
    plain = await _with_places(session, principal, plain)
    if row is not None and row.state == State.MERGED:
        raise ILLEGAL_STEP.because(
            "This entry was merged into another one: change that.",
            merged_into=str(row.merged_into),
            possible_steps=[],
        )
    if row is not None and row.document == plain:
        return Upserted(identity, "unchanged", row.version, row.state)
    publishes = curates(principal, scope.aors, scope.states)
    version = await _write(
        session, principal, row, identity, plain=plain, scope=scope, publishes=publishes
    )
    if source and external_id:
        remember(session, KIND, source, external_id, identity)
        if together is not None:
            together.external_ids[external_id] = identity
    if publishes:
        alone = together is None
        together = together or Together()
        placed = places.Placed(identity, scope.managed_by, locations_in(plain), new=row is None)
        await _publish(session, principal, placed, plain, scope, together)
        if alone:
            await finish_together(session, together)
    state = State.APPROVED if publishes else State.DRAFT
    return Upserted(identity, "created" if row is None else "changed", version, state.value)


async def finish_together(session: AsyncSession, together: Together) -> None:
    """Write what waits: locations, and the stored documents of what was published."""
    await _place(session, together)
    await store(session, sorted(together.published))


async def _place(session: AsyncSession, together: Together) -> None:
    together.published.update(await places.publish(session, together.placed))
    together.placed.clear()


def _names_places(document: ServiceDocument) -> bool:
    """Whether it brings ids of places, which may be those of places that are known."""
    sites = document.service_at_locations or []
    return any(each.location.id if each.location else each.location_id for each in sites)


async def rewrite(session: AsyncSession, service_ids: Iterable[UUID]) -> None:
    """Render the stored documents again, after something beside the record changed (an
    endorsement, the day), and announce what differs."""
    await store(session, service_ids)


async def take_step(
    session: AsyncSession,
    principal: Principal,
    service_id: UUID,
    step: str,
    *,
    if_match: str | None = None,
    reason: str | None = None,
) -> Upserted:
    """Submit, approve, return, withdraw or reopen; 409 with the possible steps otherwise."""
    row = await readable_record(session, principal, service_id, lock=True)
    scope = scope_of(row)
    if step in {"approve", "return"}:
        if not curates(principal, scope.aors, scope.states):
            raise NOT_YOURS.because(
                "Only a coordinator of its area of responsibility decides on this entry."
            )
    else:
        _check_owner(principal, scope)
    if if_match is not None:
        check_if_match(if_match, etag_of(row.version))
    after = states.after(step, row.state)
    if after is None:
        possible = possible_steps(row.state)
        raise ILLEGAL_STEP.because(
            f"The entry is {row.state}; possible: {', '.join(possible) or 'nothing'}.",
            state=row.state,
            possible_steps=possible,
        )
    version = await _set_state(session, principal, row, after, reason)
    if after == State.APPROVED:
        await session.execute(
            sa.update(services).where(services.c.id == service_id).values(_approval(row.document))
        )
        together = Together()
        placed = places.Placed(service_id, scope.managed_by, locations_in(row.document), new=False)
        await _publish(session, principal, placed, row.document, scope, together)
        await finish_together(session, together)
    elif after == State.WITHDRAWN:
        await store(session, [service_id])
    return Upserted(service_id, "changed", version, after.value)


async def set_capacity(
    session: AsyncSession, principal: Principal, service_id: UUID, body: CapacityIn
) -> Upserted:
    """Capacity and functional status go live at once: they are true or not, nobody approves them."""
    row = await readable_record(session, principal, service_id, lock=True)
    _check_owner(principal, scope_of(row))
    answered = (reminders.c.service_id == service_id, reminders.c.kind == CAPACITY_DOUBTED)
    await session.execute(sa.delete(reminders).where(*answered))

    def changed(document: dict[str, Any]) -> dict[str, Any]:
        after = dict(document)
        if body.state is not None:
            after["capacity_state"] = body.state
        if body.functional_status is not None:
            after["functional_status"] = body.functional_status.model_dump(exclude_none=True)
        if body.available is not None:
            after["capacities"] = [_capacity(service_id, body)]
        return after

    return await _amend(session, principal, row, changed)


async def verify(
    session: AsyncSession, principal: Principal, service_id: UUID, body: VerificationIn
) -> Upserted:
    """Say that the entry was checked today; a stale one becomes referable again."""
    row = await readable_record(session, principal, service_id, lock=True)
    _check_owner(principal, scope_of(row))
    now = clock.now()
    until = body.valid_until or (now + DEFAULT_VALIDITY).date()
    verification = {
        "verified_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "valid_until": until.isoformat(),
        "by": principal.client_id,
    }
    if body.method:
        verification["method"] = body.method
    return await _amend(session, principal, row, lambda d: {**d, "verification": verification})


async def readable_record(
    session: AsyncSession, principal: Principal, service_id: UUID, *, lock: bool = False
) -> Any:
    """The record row for those who edit or curate it; 404 for anybody else."""
    row = await _locked(session, service_id) if lock else await _row(session, service_id)
    if row is None or not _may_read(principal, row):
        raise NOT_FOUND.because("No service record has this id.")
    return row


def scope_of(row: Any) -> _Scope:
    return _Scope(row.organization_id, row.managed_by, list(row.aors), list(row.states))


def owns(principal: Principal, scope: _Scope) -> bool:
    return principal.organisation_id in (scope.organization_id, scope.managed_by)


def _may_read(principal: Principal, row: Any) -> bool:
    scope = scope_of(row)
    if owns(principal, scope):
        return True
    if not curates(principal, scope.aors, scope.states):
        return False
    # The IM team curates, but a restricted entry is for named coordinators only.
    return Role.COORDINATOR in principal.roles or row.visibility <= PATHWAY


def _check_owner(principal: Principal, scope: _Scope) -> None:
    if not owns(principal, scope) and not curates(principal, scope.aors, scope.states):
        raise NOT_YOURS.because("Only its organisation or a curator changes this entry.")


def _check_may_write(principal: Principal, scope: _Scope, organization: Any, row: Any) -> None:
    """An existing entry: its owner or curator. A new one: for an organisation that is one's own."""
    if curates(principal, scope.aors, scope.states) and (row is None or _may_read(principal, row)):
        return
    if row is not None and not _may_read(principal, row):
        raise NOT_FOUND.because("No service record has this id.")
    if not organizations.owns(principal, organization) or (
        row is not None and not owns(principal, scope_of(row))
    ):
        raise NOT_YOURS.because(
            "Your client enters services of its own organisation only.", pointer="/organization_id"
        )


async def _known(
    session: AsyncSession,
    principal: Principal,
    document: ServiceDocument,
    source: str | None,
    external_id: str | None,
    together: Together,
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
    row = await _row(session, document.id)
    if row is not None and _may_read(principal, row):
        return document.id
    if row is not None and await is_shown(session, principal, document.id):
        raise NOT_YOURS.because("Only its organisation or a curator changes this entry.")
    return own_id(principal, document.id)


async def _row(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(sa.select(services).where(services.c.id == service_id))
    ).one_or_none()


async def _locked(session: AsyncSession, service_id: UUID) -> Any:
    return (
        await session.execute(
            sa.select(services).where(services.c.id == service_id).with_for_update()
        )
    ).one_or_none()


async def _organization(
    session: AsyncSession,
    principal: Principal,
    document: ServiceDocument,
    source: str | None,
    row: Any,
    together: Together | None,
) -> Any:
    """The organisation that the document names, else the record's, else the caller's own."""
    # What an existing record means without naming it is the record's own.
    if together is None or (row is not None and document.organization is None):
        return await _named_organization(session, principal, document, source, row)
    said = document.organization and document.organization.model_dump_json()
    key = (said, document.organization_id)
    if key not in together.organizations:
        together.organizations[key] = await _named_organization(
            session, principal, document, source, row
        )
    return together.organizations[key]


async def _named_organization(
    session: AsyncSession,
    principal: Principal,
    document: ServiceDocument,
    source: str | None,
    row: Any,
) -> Any:
    if document.organization is not None:
        own = await organizations.ensure_organization(
            session, principal, document.organization, source=source
        )
        return await organizations.known(session, own)
    if document.organization_id is not None:
        if row is None or row.organization_id != document.organization_id:
            return await organizations.require(session, principal, document.organization_id)
        return await organizations.known(session, document.organization_id)
    if row is not None:
        return await organizations.known(session, row.organization_id)
    return await organizations.require(session, principal, principal.organisation)


async def _with_places(
    session: AsyncSession, principal: Principal, plain: dict[str, Any]
) -> dict[str, Any]:
    named = references_in(plain)
    settled = {location["id"]: location for location in locations_in(plain)}
    if named:
        for key, row in (await places.editable(session, principal, named)).items():
            settled[str(key)] = row.document
    return with_locations(plain, settled)


async def _write(
    session: AsyncSession,
    principal: Principal,
    row: Any,
    identity: UUID,
    *,
    plain: dict[str, Any],
    scope: _Scope,
    publishes: bool,
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
    draft_or_approved = _approval(plain) if publishes else {"state": State.DRAFT.value}
    version = 1 if row is None else row.version + 1
    if row is None:
        new = {
            "id": identity,
            "managed_by": scope.managed_by,
            "version": version,
            "created_at": now,
            "event_version": 0,
            **dict.fromkeys(("announced", "merged_into", "approved", "valid_until", "reminded_on")),
            "stale": False,
            **values,
            **draft_or_approved,
        }
        text = orjson.dumps(plain).decode()
        new |= {"document": text, "approved": text if publishes else None}
        write_soon(session, _NEW, new)
    else:
        # While a newer draft waits, what is published keeps the audience that was approved.
        if row.approved is not None and not publishes:
            for key in ("organization_id", "visibility", "aors", "states"):
                del values[key]
        await session.execute(
            sa.update(services)
            .where(services.c.id == identity)
            .values({"version": version, **values, **draft_or_approved})
        )
    record_history(
        session,
        principal,
        KIND,
        identity,
        version=version,
        old=row.document if row is not None else {},
        new=plain,
    )
    return version


def _approval(plain: dict[str, Any]) -> dict[str, Any]:
    """Values of a record whose document is published."""
    return {
        "approved": plain,
        "state": State.APPROVED.value,
        "organization_id": UUID(plain["organization_id"]),
        "visibility": level_of(plain),
        "aors": aors_of(plain),
        "states": states_in(plain),
        "valid_until": valid_until(plain),
        "stale": is_stale(plain, clock.now().date()),
        "reminded_on": None,
    }


async def _publish(
    session: AsyncSession,
    principal: Principal,
    placed: places.Placed,
    plain: dict[str, Any],
    scope: _Scope,
    together: Together,
) -> None:
    """Take in an approved document: its terms, its places, the approver's endorsements."""
    await keep_terms(session, plain)
    for aor in states.endorsements(principal, scope.aors):
        endorse_soon(session, principal, placed.service_id, aor)
    together.placed.append(placed)
    together.published.add(placed.service_id)


async def _set_state(
    session: AsyncSession, principal: Principal, row: Any, state: State, reason: str | None
) -> int:
    version: int = row.version + 1
    await session.execute(
        sa.update(services)
        .where(services.c.id == row.id)
        .values(state=state.value, version=version, modified_at=clock.now())
    )
    after = {"state": state.value} | ({"reason": reason} if reason else {})
    record_history(
        session, principal, KIND, row.id, version=version, old={"state": row.state}, new=after
    )
    return version


async def _amend(session: AsyncSession, principal: Principal, row: Any, change: Any) -> Upserted:
    """Apply a change to the record and to what is published, whatever the draft's state."""
    after = change(row.document)
    approved = None if row.approved is None else change(row.approved)
    if after == row.document and approved == row.approved:
        return Upserted(row.id, "unchanged", row.version, row.state)
    version = row.version + 1
    published = approved or after
    await session.execute(
        sa.update(services)
        .where(services.c.id == row.id)
        .values(
            document=after,
            approved=approved,
            version=version,
            modified_at=clock.now(),
            valid_until=valid_until(published),
            stale=is_stale(published, clock.now().date()),
            reminded_on=None,
        )
    )
    record_history(session, principal, KIND, row.id, version=version, old=row.document, new=after)
    await store(session, [row.id])
    return Upserted(row.id, "changed", version, row.state)


def _capacity(service_id: UUID, body: CapacityIn) -> dict[str, Any]:
    unit = body.unit or "places"
    found: dict[str, Any] = {
        "id": str(uuid5(service_id, f"capacity:{unit}")),
        "unit": {"id": str(uuid5(service_id, f"unit:{unit}")), "name": unit},
        "available": body.available,
        "updated": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if body.maximum is not None:
        found["maximum"] = body.maximum
    return found
