"""Withdraws consent. A withdrawal never fails, takes effect at once, and reports who had read the content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.http.answers import Subject, answer_is_only_about
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.consents import exceptions_service
from referrals.case.consents import queries as consents
from referrals.case.consents import service as consent_service
from referrals.case.consents.decision import has_expired
from referrals.case.consents.models import DisclosureException, Grant
from referrals.case.transfers.queries import accepted_under
from referrals.case.transfers.service import end_offer
from referrals.ground.audit.models import Restore
from referrals.ground.audit.queries import case_reads, restores_since
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.row_security import acting_as_service
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task, was_opened
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.readers import Reading, Shared, goes_on, is_read, readings
from referrals.referral.referrals.steps import (
    Taken,
    recipient_is_told,
    revoke_snapshot,
    take,
    tell_parties,
)

_DELETION_DAYS = 7
RESTORED = "restored_backup"
"""The method of an end that is repeated after a restored backup."""


@dataclass(frozen=True)
class Withdrawn:
    """A consent that ended.

    `goes_on`: the organisation that can still read because it now holds the case. `restores`: backup restores that each
    lost records of reads under this consent. `ended_before`: the date on which it had expired, if nothing continued
    under another consent.
    """

    grant: Grant
    reads: Sequence[Reading]
    restores: Sequence[Restore]
    goes_on: UUID | None
    referrals_ended: list[UUID]
    ended_before: datetime | None


async def withdraw_grant(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    grant_id: UUID,
    method: str,
    at: datetime | None,
) -> Withdrawn:
    """Withdraw a consent on behalf of the organisation that recorded it. A repeat changes nothing and returns the same
    result."""
    grant = await consents.own_grant(session, caller, grant_id, lock=True)
    async with acting_as_service(session):
        return await _withdraw(session, caller, keys, grant, method, at)


async def withdraw_by_code(session: AsyncSession, keys: CaseKeys, code: str) -> Withdrawn:
    """Withdraw a consent as the person, using only the code that came with it."""
    async with acting_as_service(session):
        grant = await consents.grant_by_code(session, code)
        if grant is None:
            raise NOT_FOUND.because("no_consent_has_this_code")
        return await _withdraw(session, None, keys, grant, "own_code", None)


async def withdraw_referral(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    method: str,
    at: datetime | None,
    case_id: UUID | None = None,
) -> Referral:
    """Record the person's wish about one referral, received by either organisation. The referral's consent also
    ends."""
    seen = await queries.one(session, caller, referral_id, case_id=case_id, lock=True)
    async with acting_as_service(session):
        if seen.grant_id is not None:
            grant = await consents.by_id(session, seen.grant_id)
            if grant is not None:
                await _withdraw(session, caller, keys, grant, method, at)
                _answer_about(session, seen)
                return seen
        if seen.exception_id is not None:
            await exceptions_service.end(session, seen.exception_id)
        was_open = ReferralState(seen.state) in OPEN
        await _end_referral(session, caller, keys, seen, method)
        if was_open:
            await _tell_holder(session, caller, seen.from_organisation, seen.case_id, seen.id)
        if seen.sent_at is None:
            # Also end the draft's consent, so that nobody can use it later.
            for grant in await consents.unused_for(
                session, seen.case_id, seen.service_id, queries.USES
            ):
                await _withdraw(session, caller, keys, grant, method, at)
    _answer_about(session, seen)
    return seen


async def withdraw_again(session: AsyncSession, keys: CaseKeys, grant: Grant) -> None:
    """Withdraw again a consent that a restored backup made active. Requires service rights."""
    await _withdraw(session, None, keys, grant, RESTORED, None)


async def end_exception_again(
    session: AsyncSession, keys: CaseKeys, exception: DisclosureException
) -> None:
    """End again an exception and the content shared under it, as `withdraw_again` does."""
    for referral in await queries.open_under_grant(session, exception_id=exception.id):
        await _end_referral(session, None, keys, referral, RESTORED)
    await exceptions_service.end(session, exception.id)


def _answer_about(session: AsyncSession, referral: Referral) -> None:
    # The consent ended too, but only the referrer may know that; the response contains only the referral.
    answer_is_only_about(session, Subject(referral.case_id, "referral", referral.id))


async def _withdraw(
    session: AsyncSession,
    caller: Principal | None,
    keys: CaseKeys,
    grant: Grant,
    method: str,
    at: datetime | None,
) -> Withdrawn:
    under = await queries.open_under_grant(session, grant_id=grant.id)
    ended = []
    for referral in under:
        if ReferralState(referral.state) in OPEN:
            ended.append(referral.id)
        await _end_referral(session, caller, keys, referral, method)
    if grant.kind == "transfer":
        await end_offer(session, caller, grant.case_id, "person_declined", grant_id=grant.id)
    when = _when(at)
    if grant.kind == "reporting":
        # The person no longer wants to be counted, so end every statistics consent.
        for other in await consents.active_reporting(session, grant.case_id):
            if other.id != grant.id:
                await consent_service.end_grant(session, caller, other, method, when)
    others = await consents.grants_by_ids(session, _beside(under) - {grant.id})
    over = all(has_expired(each.valid_until, when) for each in (grant, *others))
    for other in others:
        # The person withdraws the decision, whichever of its consents they referred to.
        if other.status != "withdrawn":
            await consent_service.end_grant(session, caller, other, method, when)
    if grant.status != "withdrawn":
        await consent_service.end_grant(session, caller, grant, method, when)
        sent = next((referral.id for referral in under), None)
        await _tell_holder(session, caller, grant.organisation_id, grant.case_id, sent)
    shared = Shared(
        grant.kind,
        {referral.id: referral.to_organisation for referral in under if referral.sent_at},
        await accepted_under(session, grant.id),
    )
    reads = readings(shared, await case_reads(session, grant.case_id))
    restores = await restores_since(session, grant.given_at) if is_read(grant.kind) else ()
    case = await cases.by_id(session, grant.case_id)
    still = goes_on(shared, case.organisation_id) if case else None
    before = grant.valid_until if over else None
    return Withdrawn(grant, reads, restores, still, ended, before)


def _beside(under: Sequence[Referral]) -> set[UUID]:
    """Return all consents under which these referrals continued."""
    now = {referral.grant_id for referral in under if referral.grant_id is not None}
    return now.union(*(referral.former_grants or () for referral in under))


def _when(at: datetime | None) -> datetime:
    """Return when the person withdrew. Accept even an impossible time."""
    now = clock.now()
    if at is None:
        return now
    return min(at if at.tzinfo is not None else at.replace(tzinfo=UTC), now)


async def _end_referral(
    session: AsyncSession, caller: Principal | None, keys: CaseKeys, referral: Referral, method: str
) -> None:
    was_sent = referral.sent_at is not None
    # An implicated recipient saw an ordinary recall, so this withdrawal must also look ordinary.
    told = recipient_is_told(caller, referral) or (
        was_sent and not await was_opened(session, referral.id, TaskKind.DELETE_DISCLOSED_DATA)
    )
    if ReferralState(referral.state) in OPEN:
        detail: dict[str, Any] = {}
        taken = Taken(Command.WITHDRAW, frozenset({Party.PERSON}), reason=method, detail=detail)
        await take(session, keys, caller, referral, taken)
    elif was_sent:
        await revoke_snapshot(session, referral, clock.now())
        ended = NoticeKind.REFERRAL_SHARING_ENDED
        await tell_parties(session, caller, referral, ended, recipient=told)
    if told:
        await ask_deletion(session, referral)


async def _tell_holder(
    session: AsyncSession,
    caller: Principal | None,
    holder: UUID,
    case_id: UUID,
    referral_id: UUID | None,
) -> None:
    """Add a task for today to the caseworker's work list, unless their own organisation recorded the withdrawal."""
    if caller is None or caller.organisation != holder:
        await open_task(
            session,
            holder,
            TaskKind.PERSON_WITHDREW,
            case_id=case_id,
            referral_id=referral_id,
            due_on=clock.today(),
        )


async def ask_deletion(session: AsyncSession, referral: Referral) -> None:
    """Ask the recipient to delete its copy and to confirm the deletion."""
    await open_task(
        session,
        referral.to_organisation,
        TaskKind.DELETE_DISCLOSED_DATA,
        case_id=referral.case_id,
        referral_id=referral.id,
        due_on=clock.today() + timedelta(days=_DELETION_DAYS),
    )
