"""The statement that writes the step also revokes the snapshot, through a function with the service's rights."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from referrals.ground.row_security import acting_as_service
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.steps import revoke_snapshot

from tests.services.referrals.story import Story
from tests.support.principals import principal

_AS_SERVICE = sa.text("SELECT acts_as_service()")
_REVOKED = "SELECT revoked_at FROM snapshots WHERE referral_id = :r"


@pytest.mark.parametrize("who", ["ngo-salud", "ngo-refugio"])
async def test_it_is_revoked_and_the_caller_sees_no_more_than_before(
    story: Story, database: Database, who: str
) -> None:
    """The recipient cannot see the revoked snapshot either."""
    first, second = await story.sent(), await story.sent()
    now = clock.now()
    async with database.transaction(principal(who)) as session:
        rows = [await session.get_one(Referral, UUID(each["id"])) for each in (first, second)]
        for row in rows:
            await revoke_snapshot(session, row, now)
        assert not await session.scalar(_AS_SERVICE)
        async with acting_as_service(session):
            await revoke_snapshot(session, rows[0], clock.now())
            assert await session.scalar(_AS_SERVICE)
    for referral in (first, second):  # Each snapshot is revoked once; a later step changes nothing.
        assert await story.rows(_REVOKED, r=referral["id"]) == [(now,)]


async def test_whoever_declines_reads_no_more(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 200
    await story.made("ngo-salud", f"{path}/decline", {"reason": "capacity"})
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410
    ((revoked,),) = await story.rows(_REVOKED, r=referral["id"])
    assert revoked is not None
