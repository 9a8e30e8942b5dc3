"""Transfers a service to another organisation, or withdraws it when its organisation ends."""

from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.history import record_history
from directory.ground.entries.offered import ENDED
from directory.ground.entries.states import EntryState
from directory.record.documents.refresh import store
from directory.record.locations import service as places
from directory.record.records.service import KIND, change, locked
from directory.record.services.drafts import locations_in


async def hand_over(session: AsyncSession, caller: Principal, service_id: UUID, to: UUID) -> None:
    """Transfer the service to its new organisation, with the places that the former organisation manages. The id, the
    history and the endorsements remain the same."""
    row = await locked(session, service_id)
    former = row.organization_id

    def of_successor(document: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if document is None else {**document, "organization_id": str(to)}

    document = of_successor(row.document) or {}
    await change(
        session,
        service_id,
        document=document,
        approved=of_successor(row.approved),
        organization_id=to,
        managed_by=to if row.managed_by == former else row.managed_by,
        version=row.version + 1,
        modified_at=clock.now(),
    )
    await record_history(
        session, caller, KIND, service_id, version=row.version + 1, old=row.document, new=document
    )
    kept = [UUID(each["id"]) for each in locations_in(document) if "id" in each]
    await places.hand_over(session, kept, former, to)
    await store(session, [service_id])


async def withdraw(session: AsyncSession, caller: Principal, service_id: UUID) -> None:
    """Withdraw the service; do nothing if it has already ended."""
    row = await locked(session, service_id)
    if row.state in ENDED:
        return
    state = EntryState.WITHDRAWN.value
    await change(session, service_id, state=state, version=row.version + 1, modified_at=clock.now())
    await record_history(
        session,
        caller,
        KIND,
        service_id,
        version=row.version + 1,
        old={"state": row.state},
        new={"state": state, "reason": "organisation_ended"},
    )
    await store(session, [service_id])
