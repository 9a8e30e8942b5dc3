"""A broken case does not stop others from being escalated, reminded or erased."""

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from common import clock
from common.crypto import CannotOpen, key_from_base64
from common.db.due_rows import one_by_one
from common.db.session import Database
from common.messages.rounds import hand_round
from common.webhooks.addresses import networks
from common.webhooks.client import client
from referrals.case.cases.retention import ask_reconsent, erase_expired
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.service import fan_out
from referrals.referral.escalations.due_timers import fire_due
from referrals.settings import Settings
from referrals.telling.webhooks.dispatch import deliveries
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from tests.services.referrals.rounds import deliver_due
from tests.services.referrals.story import Story

_CLOSED = {"reason": "needs_met"}


async def _break(story: Story, case_id: str, column: str) -> None:
    """Make the case unreadable for everybody."""
    spoilt = f"UPDATE cases SET {column} = decode('00', 'hex') WHERE id = :id RETURNING 1"
    await story.rows(spoilt, id=case_id)


async def test_a_timer_that_nobody_knows_holds_up_no_emergency(
    story: Story, case_keys: CaseKeys
) -> None:
    first, second = [await story.sent(urgency="emergency") for _ in range(2)]
    # A later release may have set this value before a downgrade.
    await story.rows(
        "UPDATE timers SET step = 'telephone', due_at = due_at - interval '1 minute'"
        " WHERE referral_id = :id RETURNING 1",
        id=first["id"],
    )
    later = datetime.fromisoformat(second["sent_at"]) + timedelta(hours=2)
    with capture_logs() as said:
        try:
            fired = await fire_due(story.database, case_keys, later)
        except ValueError:
            pytest.fail("the one that is unknown ended the firing of all")
    assert fired == 1
    rows = await story.rows("SELECT referral_id FROM escalations")
    assert [str(row.referral_id) for row in rows] == [second["id"]]
    assert [(each["event"], each["row"]) for each in said] == [("row_left", first["id"])]


async def test_a_case_that_cannot_be_erased_holds_up_no_other(
    story: Story, case_keys: CaseKeys
) -> None:
    first, second = [await story.case() for _ in range(2)]
    for case in (first, second):
        await story.made("ngo-refugio", f"/cases/{case['id']}/close", _CLOSED)
    far = clock.today() + timedelta(days=365 * 6)
    await story.rows(
        "UPDATE cases SET retain_until = retain_until - 1, version = 2147483647 WHERE id = :id RETURNING 1",
        id=first["id"],
    )
    assert await erase_expired(story.database, case_keys, far) == 1
    erased = await story.rows("SELECT id FROM cases WHERE status = 'erased'")
    assert [str(row.id) for row in erased] == [second["id"]]


async def test_a_case_that_cannot_be_opened_holds_up_nobody_who_turned_18(
    story: Story, case_keys: CaseKeys
) -> None:
    today = clock.today()
    birth = date(today.year - 18, today.month, 1) + timedelta(days=40)
    children = [
        await story.child(
            0, identity={"age": None, "birth_date": birth.isoformat()}, caregiver="available"
        )
        for _ in range(2)
    ]
    first, second = sorted(child["id"] for child in children)
    await _break(story, first, "identity")
    assert await ask_reconsent(story.database, case_keys, today + timedelta(days=62)) == 1
    grown = await story.rows("SELECT id FROM cases WHERE NOT minor")
    assert [str(row.id) for row in grown] == [second]


async def test_a_webhook_that_cannot_be_opened_or_settled_holds_up_no_other(
    story: Story, settings: Settings
) -> None:
    closed, hook = "http://127.0.0.1:9009/hook", ("ngo-salud", "/webhooks")
    broken, unsettled, well = [await story.made(*hook, {"url": closed}) for _ in range(3)]
    await story.rows(
        "UPDATE webhooks SET secret = decode('00', 'hex') WHERE id = :id RETURNING 1",
        id=broken["id"],
    )
    await story.sent()
    while await fan_out(story.database, [deliveries]):
        pass
    await story.rows(
        "UPDATE webhook_deliveries SET attempts = 2147483647 WHERE webhook_id = :id RETURNING 1",
        id=unsettled["id"],
    )
    key = key_from_base64(settings.stored_result_key.get_secret_value())
    loopback = networks("127.0.0.0/8")
    async with client(loopback) as http:
        try:
            looked_at = await deliver_due(story.database, http, key, loopback)
        except CannotOpen:
            pytest.fail("the one that does not open kept all others back")
    assert looked_at == 3
    rows = await story.rows("SELECT webhook_id, attempts FROM webhook_deliveries")
    tried = {str(row.webhook_id): row.attempts for row in rows}
    assert tried == {broken["id"]: 0, unsettled["id"]: 2147483647, well["id"]: 1}


async def test_what_one_message_fails_at_is_no_second_message_to_others(
    database: Database,
) -> None:
    settled = []

    async def claim(_session: AsyncSession) -> tuple[int, list[int]]:
        return 3, [1, 2, 3]

    async def hand_over(one: int) -> int:
        if one == 2:
            raise ValueError(one)
        return one

    async def settle(_session: AsyncSession, one: int, _became: int) -> None:
        settled.append(one)

    with capture_logs() as said:
        try:
            looked_at = await hand_round(database, claim, hand_over, settle)
        except ValueError:
            pytest.fail("nobody was settled because of one")
    assert looked_at == 3
    assert settled == [1, 3]
    assert [each["event"] for each in said] == ["not_handed_over"]


async def test_a_database_that_is_away_is_no_fault_of_a_row() -> None:
    async def look(session: AsyncSession, row: int) -> int:
        await session.execute(sa.text("SELECT 1"))
        return row

    away = Database.at("postgresql+asyncpg://nobody:none@127.0.0.1:9/none", pool_size=1)
    with capture_logs() as said, pytest.raises(OSError, match="Connect call failed"):
        await one_by_one("rows", away, [1, 2], look)
    assert not [each for each in said if each["event"] == "row_left"]
    await away.close()
