"""When an organisation turns out to be implicated, what was sent to it is called back."""

from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.keys.store import CaseKeys
from referrals.referrals import queries
from referrals.referrals.lifecycle import Command, Party
from referrals.referrals.steps import Taken, take


async def recall_from(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    organisations: set[UUID],
) -> list[UUID]:
    """Recall open referrals of the case to these organisations; their reading ends at once."""
    recalled = []
    for referral in await queries.of_case(session, case_id, open_only=True):
        if referral.to_organisation in organisations:
            taken = Taken(Command.RECALL, frozenset({Party.REFERRER}), reason="safety")
            await take(session, keys, caller, referral, taken)
            recalled.append(referral.id)
    return recalled
