"""Curation use cases: merging duplicates, reviewing possible safe houses, and handling bounced e-mails."""

from typing import Any
from uuid import UUID

from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND
from common.http import check_if_match, etag_of
from common.messages.bounces import Bounce
from common.sight import NAMES, RESTRICTED
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.message_ids import Names, digest
from directory.curation.models import reminder_mails
from directory.curation.schemas import HouseIn
from directory.errors import ILLEGAL_STEP, NOT_YOURS
from directory.ground.entries.history import record_history
from directory.ground.entries.schemas import Upserted
from directory.ground.entries.states import EntryState, curates
from directory.ground.hsds.schemas import ServiceDocument
from directory.ground.hsds.visibility import without_unstorable
from directory.ground.identities.service import move
from directory.record.documents.refresh import store
from directory.record.houses.models import ORGANIZATION, SERVICE
from directory.record.houses.queries import one_look
from directory.record.houses.service import answer
from directory.record.organizations.queries import mailboxes_of
from directory.record.organizations.service import organization_looked_at
from directory.record.records.service import KIND, end_in_favour, readable_record
from directory.record.services.upsert import upsert_service


def may_merge(caller: Principal, *rows: Any) -> bool:
    """Return whether the caller curates all of these entries."""
    return all(curates(caller, row.aors, row.states) for row in rows)


async def merge(
    session: AsyncSession,
    caller: Principal,
    service_id: UUID,
    into: UUID,
    if_match: str | None,
) -> Upserted:
    """Merge `service_id` into `into`. Nothing is copied: a person decides about data that the other entry lacks. The
    old id returns 308. External ids move, so that the next import changes the remaining entry."""
    if service_id == into:
        raise INVALID.because("entry_cannot_be_merged_into_itself", pointer="/into")
    # Locked in id order, so that two merges cannot deadlock.
    for each in sorted((service_id, into)):
        await readable_record(session, caller, each, lock=True)
    ending = await readable_record(session, caller, service_id)
    staying = await readable_record(session, caller, into)
    if not may_merge(caller, ending, staying):
        raise NOT_YOURS.because("only_coordinator_of_both_entries_areas_merges")
    if if_match is not None:
        check_if_match(if_match, etag_of(ending.version))
    if EntryState.MERGED in {ending.state, staying.state}:
        raise ILLEGAL_STEP.because("one_of_two_was_merged_before", possible_steps=[])
    version = await end_in_favour(session, ending, into)
    await move(session, KIND, service_id, into)
    await record_history(
        session,
        caller,
        KIND,
        service_id,
        version=version,
        old={"state": ending.state},
        new={"state": EntryState.MERGED.value, "merged_into": str(into)},
    )
    await store(session, [service_id])
    return Upserted(service_id, "changed", version, EntryState.MERGED.value)


async def bounced(session: AsyncSession, names: Names, bounce: Bounce) -> None:
    """Stop e-mails to a mailbox that bounced. Its reminders then notify the curators."""
    if bounce.status is None:
        return
    mailbox = (await mailboxes_of(session, [bounce.about])).get(bounce.about)
    if mailbox is None or not names.went_to(bounce, mailbox):
        return
    await session.execute(
        reminder_mails.update()
        .where(reminder_mails.c.organisation_id == bounce.about)
        .values(refused=digest(mailbox))
    )


async def look(session: AsyncSession, caller: Principal, entity_id: UUID, body: HouseIn) -> None:
    """Store a reviewer's decision about a possible safe house. Once a house is confirmed, only its state remains
    stored, as for any restricted place."""
    row = await one_look(session, entity_id)
    if row is None:
        raise NOT_FOUND.because("nothing_with_this_id_may_be_safe")
    if row.kind == SERVICE:
        record = await readable_record(session, caller, entity_id, lock=True)
        if not curates(caller, list(record.aors), list(record.states)):
            raise NOT_YOURS.because("only_coordinator_of_entry_areas_looks_at")
    if set(body.words) != set(row.words):
        raise CONFLICT.because(
            "its_words_changed_since_you_read_them",
            pointer="/words",
        )
    await answer(session, caller, row.kind, entity_id, is_house=body.is_house)
    if row.kind == ORGANIZATION:
        await organization_looked_at(session, entity_id)
        return
    await record_history(
        session, caller, KIND, entity_id,
        version=record.version, old={"safe_house": row.is_house}, new={"safe_house": body.is_house},
    )  # fmt: skip
    if body.is_house and record.state == EntryState.APPROVED:
        closed = _closed({**record.document, "visibility": NAMES[RESTRICTED]})
        document = ServiceDocument.model_validate(without_unstorable(closed)[0])
        await upsert_service(session, caller, document, service_id=entity_id)
    await store(session, [entity_id])


def _closed(service: dict[str, Any]) -> dict[str, Any]:
    """Return the service with its places restricted too, because a place with its own level would keep its address."""
    sites = [
        {**site, "location": {**site["location"], "visibility": NAMES[RESTRICTED]}}
        if site.get("location", {}).get("location_type") not in (None, "virtual")
        else site
        for site in service.get("service_at_locations", [])
    ]
    return {**service, "service_at_locations": sites} if sites else service
