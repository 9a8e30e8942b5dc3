"""Use cases for successions: one person proposes, another confirms, and the organisation's services move at once."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from common.events.directory import OrganizationSucceeded
from common.ids import new_id
from common.messaging import append
from common.two_people import refuse_same_person
from common.words.details import Detail
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import UNKNOWN_REFERENCE
from directory.record.organizations import service as organizations
from directory.record.records.queries import ids_of, readable_among
from directory.record.services import handover
from directory.record.successions import queries
from directory.record.successions.models import successions
from directory.record.successions.schemas import NewSuccession
from directory.tables import COMMON


async def propose(session: AsyncSession, caller: Principal, body: NewSuccession) -> Any:
    """Propose a succession. Nothing changes until a second person confirms it.

    Raise 422 for an organisation that has ended or that the caller may not know about. Also raise 422 for a service
    that belongs to another organisation or that the caller may not see. The error does not reveal which of these
    applies.
    """
    _refuse_limited(caller)
    for pointer in ("/organisation_id", "/successor_id"):
        own: UUID = getattr(body, pointer.removeprefix("/"))
        row = await organizations.require(session, caller, own, pointer=pointer)
        _refuse_ended(row, pointer)
    named = set(body.service_ids)
    if named != await readable_among(session, caller, named, body.organisation_id):
        raise UNKNOWN_REFERENCE.because("it_has_no_such_service", pointer="/service_ids")
    made = await session.execute(
        sa.insert(successions)
        .values(
            id=new_id(),
            organisation_id=body.organisation_id,
            successor_id=body.successor_id,
            kind=body.kind,
            service_ids=list(dict.fromkeys(body.service_ids)),
            areas=sorted(set(body.areas)),
            status="proposed",
            proposed_by=caller.subject,
            proposed_at=clock.now(),
        )
        .returning(successions)
    )
    return made.one()


def _refuse_limited(caller: Principal) -> None:
    if caller.areas:
        raise FORBIDDEN.because("only_mandate_for_whole_country_decides")


async def _refuse_unknown(session: AsyncSession, organisation_id: UUID, pointer: str) -> None:
    row = await organizations.known(session, organisation_id)
    if row is None:
        raise UNKNOWN_REFERENCE.because("no_organisation_has_this_id_create", pointer=pointer)
    _refuse_ended(row, pointer)


def _refuse_ended(row: Any, pointer: str) -> None:
    if row.ended_at is not None:
        raise UNKNOWN_REFERENCE.because("organisation_has_ended", pointer=pointer)


async def confirm(session: AsyncSession, caller: Principal, succession_id: UUID) -> Any:
    """Confirm as a second person. Services move now; cases move when referrals reads the event. In a merger, services
    that the caller may not see are withdrawn instead. The response does not show this. The successor enters them
    again."""
    _refuse_limited(caller)
    row = await _proposed(session, succession_id)
    refuse_same_person(
        caller, row.proposed_by, because=Detail("you_proposed_it_somebody_else_decides")
    )
    # The organisations may have changed since the proposal.
    await _refuse_unknown(session, row.organisation_id, "/organisation_id")
    await _refuse_unknown(session, row.successor_id, "/successor_id")
    own = await ids_of(session, row.organisation_id)
    follow = own if row.kind != "split" else sorted(set(own) & set(row.service_ids))
    # Two people must not hand over a safe house that neither may see. The proposer of a split can see its services.
    seen = follow if row.kind == "split" else await readable_among(session, caller, follow)
    for service_id in follow:
        if row.kind == "ended" or service_id not in seen:
            await handover.withdraw(session, caller, service_id)
        else:
            await handover.hand_over(session, caller, service_id, row.successor_id)
    if row.kind != "split":
        await organizations.end(session, caller, row.organisation_id)
    decided = await _decide(session, caller, row, "confirmed")
    event = OrganizationSucceeded(
        version=1,
        succession_id=row.id,
        organisation_id=row.organisation_id,
        successor_id=row.successor_id,
        kind=row.kind,
        areas=tuple(row.areas),
        decided_at=decided.decided_at,
    )
    await append(session, COMMON, event)
    return decided


async def refuse(session: AsyncSession, caller: Principal, succession_id: UUID) -> Any:
    """Refuse a proposal. The proposer and anybody who may confirm it may refuse it."""
    _refuse_limited(caller)
    return await _decide(session, caller, await _proposed(session, succession_id), "refused")


async def _proposed(session: AsyncSession, succession_id: UUID) -> Any:
    row = await queries.one(session, succession_id)
    if row is None:
        raise NOT_FOUND.because("no_succession_has_this_id")
    if row.status != "proposed":
        raise CONFLICT.because("succession_is_decided")
    return row


async def _decide(session: AsyncSession, caller: Principal, row: Any, status: str) -> Any:
    decided = await session.execute(
        sa.update(successions)
        .where(successions.c.id == row.id)
        .values(status=status, decided_by=caller.subject, decided_at=clock.now())
        .returning(successions)
    )
    return decided.one()
