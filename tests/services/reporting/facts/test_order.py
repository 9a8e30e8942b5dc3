"""Late, repeated and reordered events give the same facts, counters and releases."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.events import referrals as kinds
from common.events.codes import ReportingAttributes
from common.ids import new_id
from reporting.count.facts.models import late_arrivals, referral_steps
from reporting.count.facts.queries import contributors
from reporting.count.indicators.models import indicator_counters
from reporting.ground.periods import Period
from reporting.recording.service import Recorder
from reporting.replay.fingerprint import fingerprint
from reporting.tables import METADATA

from tests.services.reporting.caseload.test_caseload import caseload_events
from tests.services.reporting.events import (
    DECLINED,
    DELIVERED,
    NOON,
    REFUGIO,
    SALUD,
    Arrived,
    Journey,
    caseload,
    enveloped,
    record,
    record_together,
)
from tests.services.reporting.releases.true_counts import true_view


async def hash_of(database: Database) -> str:
    async with database.transaction() as session:
        return await fingerprint(await session.connection())


async def forget_all(database: Database) -> None:
    async with database.transaction() as session:
        for name in (
            "referral_steps",
            "referral_facts",
            "indicator_counters",
            "reporting_grants",
            "caseload_facts",
            "caseload_counters",
        ):
            await session.execute(METADATA.tables[f"projection.{name}"].delete())


def whole_story() -> list[Arrived]:
    """Return referrals, confirmations, escalations, grants, an erasure, and the caseload."""
    events = list(caseload(persons=12, seed=3))
    journey = Journey()
    events += journey.events(*DELIVERED)
    events.append(journey.confirmed(version=6, hours=70))
    overdue = Journey(category="TIP-ID", aor="TIP")
    events += overdue.events(("sent", 0))
    raised = kinds.EscalationRaised(
        version=2,
        referral_id=overdue.referral_id,
        step="reminder",
        due_at=NOON + timedelta(hours=72),
        organisation_id=SALUD,
        category="TIP-ID",
        urgency="routine",
    )
    events.append(enveloped(raised, overdue.referral_id, raised.due_at))
    withdrawn = kinds.GrantWithdrawn(
        version=2, grant_id=new_id(), case_id=journey.case_id, kind="reporting", occurred_at=NOON
    )
    events.append(enveloped(withdrawn, withdrawn.grant_id, NOON))
    given = kinds.GrantGiven(
        **withdrawn.model_dump() | {"version": 1, "occurred_at": NOON - timedelta(hours=1)}
    )
    events.append(enveloped(given, given.grant_id, given.occurred_at))
    erased = Journey()
    events += erased.events(*DECLINED)
    erasure = kinds.CaseErased(version=9, case_id=erased.case_id)
    events.append(enveloped(erasure, erased.case_id, NOON))
    return events + caseload_events()


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_with_repeats_gives_the_same_hash_as_one_batch_in_order(
    database: Database, recorder: Recorder, seed: int
) -> None:
    events = whole_story()
    await record_together(database, recorder, events)
    in_order = await hash_of(database)
    await forget_all(database)
    assert await hash_of(database) != in_order
    shuffled = events + random.Random(seed).choices(events, k=len(events) // 2)  # noqa: S311
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - test data, no secret
    await record(database, recorder, shuffled)
    assert await hash_of(database) == in_order


async def count(database: Database, period: str) -> dict[tuple[str, ...], int]:
    return dict((await true_view(database, "referrals", period)).cells)


async def test_a_person_counts_once_by_the_furthest_that_any_referral_got(
    database: Database, recorder: Recorder
) -> None:
    person = new_id()
    events = Journey(case_id=person, category="CP-CM", aor="CP").events(*DECLINED)
    events += Journey(case_id=person).events(*DELIVERED)
    await record(database, recorder, events)
    assert await count(database, "2026-10a") == {("VE23", "female", "18-59", "GBV", "delivered"): 1}


async def test_only_steps_under_a_reporting_grant_count(
    database: Database, recorder: Recorder
) -> None:
    await record(database, recorder, Journey(attributes=None).events(*DELIVERED))
    assert await count(database, "2026-10a") == {}
    async with database.transaction() as session:
        wanted = Period.parse("2026-10a")
        assert await contributors(session, wanted.start, wanted.end) == []
        counted = await session.scalar(sa.select(sa.func.count()).select_from(indicator_counters))
    assert counted, "the operational counters do count it"


def grant(kind: type[Any], case_id: Any, grant_id: Any, hours: float) -> Arrived:
    at = NOON + timedelta(hours=hours)
    event = kind(version=1, grant_id=grant_id, case_id=case_id, kind="reporting", occurred_at=at)
    return enveloped(event, grant_id, at)


async def test_after_the_reporting_grant_is_withdrawn_nothing_new_counts_until_a_new_one(
    database: Database, recorder: Recorder
) -> None:
    journey, first, second = Journey(), new_id(), new_id()
    await record(database, recorder, [grant(kinds.GrantWithdrawn, journey.case_id, first, 20)])
    await record(database, recorder, journey.events(*DELIVERED))
    place = ("VE23", "female", "18-59", "GBV")
    assert await count(database, "2026-10a") == {(*place, "accepted"): 1}
    await record(database, recorder, [grant(kinds.GrantGiven, journey.case_id, second, 40)])
    assert await count(database, "2026-10a") == {(*place, "delivered"): 1}


async def test_an_erased_person_is_forgotten_whenever_its_events_arrive(
    database: Database, recorder: Recorder
) -> None:
    journey = Journey()
    events = journey.events(*DELIVERED)
    erasure = kinds.CaseErased(version=9, case_id=journey.case_id)
    await record(database, recorder, events[:2])
    await record(database, recorder, [enveloped(erasure, journey.case_id, NOON)])
    await record(database, recorder, events[2:])
    assert await count(database, "2026-10a") == {}
    async with database.transaction() as session:
        rows = (await session.execute(sa.select(referral_steps))).all()
    assert len(rows) == 5
    assert all(row.person is None and row.sex is None and row.age_band is None for row in rows)


async def test_what_arrives_where_it_is_still_yesterday_counts_in_the_period_that_is_open(
    database: Database, recorder: Recorder, api: Any
) -> None:
    """Clocks may differ by two minutes, so the closing process may be a day ahead of the recording process."""
    from tests.services.reporting.releases.test_story import PERIOD, as_

    closed = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    assert closed.status_code == 201
    last = datetime(2026, 10, 15, 23, 59, 30, tzinfo=UTC)
    with clock.shifted(last - clock.now()):
        await record(database, recorder, Journey().events(*DELIVERED))
    assert await count(database, "2026-10a") == {}
    assert sum((await count(database, "2026-10b")).values()) == 1, "counted nowhere"


async def test_what_arrives_after_the_closing_counts_in_the_current_period(
    database: Database, recorder: Recorder, api: Any
) -> None:
    from tests.services.reporting.releases.test_story import PERIOD, as_

    closed = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    assert closed.status_code == 201
    late = Journey().events(*DELIVERED)
    await record(database, recorder, late)
    assert await count(database, "2026-10a") == {}
    async with database.transaction() as session:
        days = set(await session.scalars(sa.select(late_arrivals.c.counted_on)))
        counted = set(await session.scalars(sa.select(referral_steps.c.counted_on)))
    assert days == counted
    assert all(day > date(2026, 10, 15) for day in days)
    after = await hash_of(database)
    await forget_all(database)
    with clock.shifted(timedelta(days=9)):
        await record_together(database, recorder, late, seen={message.id for _, message in late})
    assert await hash_of(database) == after, "a rebuild remembers when an event came late"


async def test_a_referral_entered_in_error_is_not_counted(
    database: Database, recorder: Recorder
) -> None:
    events = Journey().events(("sent", 0), ("accepted", 1), ("entered_in_error", 2))
    await record(database, recorder, events)
    assert await count(database, "2026-10a") == {}


async def test_a_person_without_attributes_counts_as_unknown(
    database: Database, recorder: Recorder
) -> None:
    nobody = Journey(attributes=ReportingAttributes(sex="x"), area="XX99", sender=REFUGIO)
    await record(database, recorder, nobody.events(("sent", 0)))
    assert await count(database, "2026-10a") == {
        ("unknown", "unknown", "unknown", "GBV", "waiting"): 1
    }
