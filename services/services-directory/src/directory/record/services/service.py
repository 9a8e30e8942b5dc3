"""Use cases for existing entries: state changes, capacity, verification. Nothing here commits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from common import clock
from common.auth import Principal
from common.errors import INVALID
from common.happenings import tell
from common.http import check_if_match, etag_of
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import ILLEGAL_STEP, NOT_YOURS
from directory.ground.entries import states
from directory.ground.entries.history import record_history
from directory.ground.entries.offered import is_published
from directory.ground.entries.schemas import Upserted
from directory.ground.entries.states import EntryState, curates, possible_steps
from directory.ground.happenings import CapacityTold
from directory.ground.hsds.status import LONGEST_DAYS, is_stale, valid_until
from directory.ground.hsds.taxonomy import aors_of
from directory.ground.hsds.views import Facts
from directory.record.documents.refresh import store
from directory.record.endorsements.queries import endorsed_aors
from directory.record.houses.models import SERVICE
from directory.record.houses.queries import looks_at, waiting_words
from directory.record.houses.schemas import NOBODY
from directory.record.locations import service as places
from directory.record.organizations.queries import with_organization
from directory.record.records.queries import OFFERED_BY, one_record
from directory.record.records.rights import Scope, check_owner, scope_of
from directory.record.records.service import KIND, change, readable_record
from directory.record.services.comparison import review
from directory.record.services.drafts import states_in
from directory.record.services.schemas import CapacityIn, ReviewOut, VerificationIn
from directory.record.services.upsert import (
    Finish,
    approval,
    end_endorsements,
    publish,
)

DEFAULT_VALIDITY = timedelta(days=90)


async def take_step(
    session: AsyncSession,
    caller: Principal,
    service_id: UUID,
    step: str,
    *,
    if_match: str | None = None,
    reason: str | None = None,
    source: str | None = None,
) -> Upserted:
    """Submit, approve, return, withdraw or reopen. If the step is not possible, raise 409 with the possible steps.
    `source` is the publication whose file makes the change."""
    row = await readable_record(session, caller, service_id, lock=True)
    scope = scope_of(row)
    becomes = _becoming(row)
    if step in {"approve", "return"}:
        if not curates(caller, scope.aors, scope.states):
            raise NOT_YOURS.because("only_coordinator_of_its_area_of_responsibility")
        # The published entry and its replacement may have different coordinators.
        if step == "approve" and not curates(caller, becomes.aors, becomes.states):
            raise NOT_YOURS.because(
                "it_would_be_of_another_area_of",
            )
    else:
        check_owner(caller, scope)
    if if_match is not None:
        check_if_match(if_match, etag_of(row.version))
    after = states.after(step, row.state)
    if after is None:
        possible = possible_steps(row.state)
        raise ILLEGAL_STEP.because(
            "entry_is_possible",
            row.state,
            ", ".join(possible) or "nothing",
            state=row.state,
            possible_steps=possible,
        )
    version = await _set_state(session, caller, row, after, reason, source)
    if after == EntryState.APPROVED:
        document = await places.closed_since(session, row.document)
        await change(session, service_id, document=document, **approval(document))
        await end_endorsements(session, service_id, row.approved, document)
        finish = Finish()
        await publish(session, caller, service_id, document, becomes, finish)
        await finish.write(session)
    elif after == EntryState.WITHDRAWN:
        await store(session, [service_id])
    words = await waiting_words(session, service_id) if after == EntryState.APPROVED else ()
    return Upserted(service_id, "changed", version, after.value, words)


def _becoming(row: Any) -> Scope:
    """Return the scope that the entry will have once its draft is approved."""
    return replace(scope_of(row), aors=aors_of(row.document), states=states_in(row.document))


async def review_of(session: AsyncSession, row: Any) -> ReviewOut:
    """Return the effects of approval, by reader. The caller must be allowed to read `row`."""
    statement = with_organization(one_record(row.id), OFFERED_BY)
    organization = (await session.execute(statement)).one().organization
    endorsed = (await endorsed_aors(session, [row.id])).get(row.id, [])
    published = is_published(row.approved, row.state, row.restricted)
    approved = row.approved if published else None
    look = (await looks_at(session, SERVICE, [row.id])).get(row.id, NOBODY)
    return review(row.document, approved, organization, Facts(tuple(endorsed)), look)


async def set_capacity(
    session: AsyncSession, caller: Principal, service_id: UUID, body: CapacityIn
) -> Upserted:
    """Set capacity and functional status at once. These are facts, so nobody must approve them."""
    row = await readable_record(session, caller, service_id, lock=True)
    check_owner(caller, scope_of(row))
    await tell(session, CapacityTold(service_id))

    def changed(document: dict[str, Any]) -> dict[str, Any]:
        after = dict(document)
        if body.state is not None:
            after["capacity_state"] = body.state
        if body.functional_status is not None:
            after["functional_status"] = body.functional_status.model_dump(exclude_none=True)
        if body.available is not None:
            after["capacities"] = [_capacity(service_id, body)]
        return after

    return await _amend(session, caller, row, changed)


async def verify(
    session: AsyncSession, caller: Principal, service_id: UUID, body: VerificationIn
) -> Upserted:
    """Record that the entry was checked today. A stale entry becomes referable again. Nobody approves a verification,
    so it must expire. Raise 422 for a past day or a day more than a year ahead."""
    row = await readable_record(session, caller, service_id, lock=True)
    check_owner(caller, scope_of(row))
    now = clock.now()
    today = clock.day_of(now)
    until = body.valid_until or today + DEFAULT_VALIDITY
    if not today <= until <= today + timedelta(days=LONGEST_DAYS):
        raise INVALID.because(
            "from_today_to_days_ahead_people_are",
            LONGEST_DAYS,
            pointer="/valid_until",
        )
    verification = {
        "verified_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "valid_until": until.isoformat(),
        # Anybody can read this value, so it names only the organisation; the history names the person.
        "by": str(caller.organisation),
    }
    if body.method:
        verification["method"] = body.method
    return await _amend(session, caller, row, lambda d: {**d, "verification": verification})


async def _set_state(
    session: AsyncSession,
    caller: Principal,
    row: Any,
    state: EntryState,
    reason: str | None,
    source: str | None,
) -> int:
    version: int = row.version + 1
    await change(session, row.id, state=state.value, version=version, modified_at=clock.now())
    after = {"state": state.value} | ({"reason": reason} if reason else {})
    await record_history(
        session, caller, KIND, row.id,
        version=version, old={"state": row.state}, new=after, source=source,
    )  # fmt: skip
    return version


async def _amend(session: AsyncSession, caller: Principal, row: Any, changed: Any) -> Upserted:
    """Apply a change to the draft and the published document, whatever the draft's state."""
    after = changed(row.document)
    approved = None if row.approved is None else changed(row.approved)
    if after == row.document and approved == row.approved:
        return Upserted(row.id, "unchanged", row.version, row.state)
    version = row.version + 1
    published = approved or after
    await change(
        session,
        row.id,
        document=after,
        approved=approved,
        version=version,
        modified_at=clock.now(),
        valid_until=valid_until(published),
        stale=is_stale(published, clock.today()),
        reminded_on=None,
    )
    await record_history(
        session, caller, KIND, row.id, version=version, old=row.document, new=after
    )
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
