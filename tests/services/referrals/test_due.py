"""One table decides what is due and overdue. PostgreSQL and the Python rule agree on it."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.words.referral_states import ReferralState
from referrals.referral.referrals import due_queries
from referrals.referral.referrals.due import LIMITS, due, is_overdue

from tests.services.referrals.story import Story

NOW = datetime(2026, 3, 11, 1, tzinfo=UTC)
TODAY, YESTERDAY, TOMORROW = date(2026, 3, 10), date(2026, 3, 9), date(2026, 3, 11)
"""At home it is nine in the evening of the 10th, which ends at midnight there."""
_FIRST, _THEN = ("acknowledge_by", "decide_by", "clinical_deadline"), ("act_by", "appointment_at")
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)


def referral(state: str, **limits: Any) -> Any:
    return SimpleNamespace(**{**dict.fromkeys(LIMITS), **limits, "state": state})


@pytest.mark.parametrize(
    ("state", "limits", "is_due", "late"),
    [
        ("sent", {"acknowledge_by": BEFORE, "decide_by": AFTER}, BEFORE, True),
        ("acknowledged", {"acknowledge_by": BEFORE, "decide_by": AFTER}, AFTER, False),
        ("waitlisted", {"decide_by": AFTER, "clinical_deadline": BEFORE}, BEFORE, True),
        ("accepted", {"decide_by": BEFORE, "clinical_deadline": BEFORE}, None, False),
        ("accepted", {"act_by": BEFORE, "appointment_at": AFTER}, BEFORE, True),
        ("scheduled", {"act_by": BEFORE, "appointment_at": AFTER}, AFTER, False),
        ("in_service", {"act_by": AFTER, "appointment_at": BEFORE}, AFTER, False),
        ("on_hold", {"review_on": TODAY}, datetime(2026, 3, 10, tzinfo=UTC), False),
        ("on_hold", {"review_on": YESTERDAY}, datetime(2026, 3, 9, tzinfo=UTC), True),
        ("recalled", {"acknowledge_by": BEFORE, "decide_by": BEFORE}, None, False),
        ("sent", {}, None, False),
    ],
)
def test_a_limit_counts_only_in_the_states_that_wait_for_it(
    state: str, limits: dict[str, Any], is_due: datetime | None, *, late: bool
) -> None:
    row = referral(state, **limits)
    assert (due(row), is_overdue(row, NOW)) == (is_due, late)


async def test_lists_in_postgresql_ask_what_the_rule_asks(story: Story) -> None:
    moments = (None, BEFORE, NOW, AFTER)
    days = (None, YESTERDAY, TODAY, TOMORROW)
    made: list[dict[str, Any]] = [
        dict(zip(("state", *_FIRST, "review_on"), each, strict=True))
        for each in product(map(str, ReferralState), moments, moments, moments, days)
    ]
    accepted: list[dict[str, Any]] = [
        dict(zip(("state", *_THEN), each, strict=True))
        for each in product(map(str, ReferralState), moments, moments)
    ]
    rows: list[dict[str, Any]] = [{**dict.fromkeys(LIMITS), **each} for each in (*made, *accepted)]
    table = due_queries.Referral.__table__  # type: ignore[attr-defined]  # SQLModel has it
    async with story.database.transaction() as session:
        # A temporary table hides the real one; the test fills only the columns that it needs.
        await session.execute(
            sa.text("CREATE TEMP TABLE referrals ON COMMIT DROP AS SELECT * FROM referrals LIMIT 0")
        )
        await session.execute(
            sa.insert(table), [{"id": UUID(int=number), **row} for number, row in enumerate(rows)]
        )
        said = (
            await session.execute(
                sa.select(
                    due_queries.DUE,
                    due_queries.overdue(NOW),
                ).order_by(table.c.id)
            )
        ).all()
    expected = [
        (due(row), is_overdue(row, NOW)) for row in (SimpleNamespace(**each) for each in rows)
    ]
    assert [(each[0], each[1] is True) for each in said] == expected
