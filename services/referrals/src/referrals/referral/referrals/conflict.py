"""Ends sharing with an organisation that a case newly implicates.

To that organisation, each referral looks like an ordinary recall, or like the end of sharing after an outcome. The
organisation's view then freezes.
"""

from collections.abc import Collection
from uuid import UUID

from common import clock
from common.auth import Principal
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.row_security import acting_as_service
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.steps import Taken, revoke_snapshot, take, tell_parties
from referrals.referral.referrals.visibility import still_of
from referrals.referral.referrals.withdrawal import ask_deletion

ORDINARY = "other"
"""The reason in row and event; only the holder knows the true one."""


async def end_sharing_with(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    implicated: Collection[UUID],
) -> None:
    """End every referral of the case to an implicated organisation, and unfreeze all other organisations' views.
    `implicated` contains all organisations that the case implicates. Idempotent."""
    for referral in await queries.of_case(session, case_id):
        if referral.to_organisation not in implicated:
            if referral.held_still is not None:
                referral.held_still = None
                await session.flush()
            continue
        if referral.held_still is None:
            await _end(session, caller, keys, referral)


async def _end(
    session: AsyncSession, caller: Principal, keys: CaseKeys, referral: Referral
) -> None:
    await end_sharing(session, caller, keys, referral)
    if referral.sent_at is not None:
        referral.held_still = still_of(referral)
        await session.flush()


async def end_sharing(
    session: AsyncSession, caller: Principal | None, keys: CaseKeys, referral: Referral
) -> bool:
    """Recall an open referral, or revoke its shared content; return whether anything ended."""
    if ReferralState(referral.state) in OPEN:
        taken = Taken(Command.RECALL, frozenset({Party.REFERRER}), reason=ORDINARY)
        await take(session, keys, caller, referral, taken)
    elif await _is_shared(session, referral.id):
        await revoke_snapshot(session, referral, clock.now())
        await tell_parties(session, caller, referral, NoticeKind.REFERRAL_SHARING_ENDED)
        await ask_deletion(session, referral)
    else:
        return False
    return True


async def _is_shared(session: AsyncSession, referral_id: UUID) -> bool:
    async with acting_as_service(session):
        snapshot = await queries.snapshot_of(session, referral_id)
    return snapshot is not None and snapshot.revoked_at is None
