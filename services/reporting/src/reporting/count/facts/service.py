"""Writes facts; `recording` calls it for each batch of events. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.events.directory import CapacityChanged, GapObserved, ServiceData
from common.events.referrals import GrantData, GrantGiven
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts import event_facts, queries
from reporting.count.facts.arrivals import REFERRED, SEARCHES, Arrivals
from reporting.count.facts.event_facts import RecordedStep
from reporting.count.facts.models import (
    forgotten_persons,
    gap_counts,
    late_arrivals,
    referral_facts,
    referral_steps,
    reporting_grants,
    services,
)
from reporting.count.facts.progress import ReferralFact, advance
from reporting.count.facts.received import Sorted
from reporting.count.facts.service_facts import ServiceFact, change_state, describe
from reporting.tables import WRITER_LOCK


async def lock_projection(session: AsyncSession) -> None:
    """Lock the projection for a single writer until the transaction ends."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))


def replacing(table: sa.Table) -> Insert:
    """Return an insert whose rows replace existing rows with the same primary key."""
    new = insert(table)
    keys = list(table.primary_key)
    others = {each.name: new.excluded[each.name] for each in table.columns if each not in keys}
    return new.on_conflict_do_update(index_elements=keys, set_=others)


def without(gone: AbstractSet[bytes], steps: Sequence[RecordedStep]) -> list[RecordedStep]:
    if not gone:
        return list(steps)
    return [
        step._replace(person=None, countable=False, sex=None, age_band=None)
        if step.person in gone
        else step
        for step in steps
    ]


async def record_steps(
    session: AsyncSession,
    steps: Sequence[RecordedStep],
    before: Mapping[UUID, ReferralFact],
    arrivals: Arrivals,
) -> list[tuple[ReferralFact, ReferralFact]]:
    """Write the steps and their referrals' facts. Return each changed fact before and after the change."""
    after: dict[UUID, ReferralFact] = {}
    for each in steps:
        id_ = each.step.referral_id
        fact = after.get(id_) or before.get(id_) or ReferralFact(id_)
        after[id_] = advance(fact, each.step)
    changed = {id_: fact for id_, fact in after.items() if fact != before.get(id_)}
    rows = [
        _step_row(each, arrivals.place(REFERRED, each.event_id, each.natural_day)) for each in steps
    ]
    if rows:
        await session.execute(insert(referral_steps).on_conflict_do_nothing(), rows)
    if changed:
        facts = [fact._asdict() for fact in changed.values()]
        await session.execute(replacing(referral_facts), facts)
    return [(before.get(id_) or ReferralFact(id_), fact) for id_, fact in changed.items()]


def _step_row(of: RecordedStep, counted_on: date) -> dict[str, Any]:
    return {
        **of.step._asdict(),
        "counted_on": counted_on,
        "person": of.person,
        "urgency": of.urgency,
        "countable": of.countable,
        "sex": of.sex,
        "age_band": of.age_band,
    }


async def forget(session: AsyncSession, persons: Sequence[bytes], marks: Iterable[bytes]) -> None:
    """Remove erased people from facts. Their marks keep late events from bringing them back."""
    await session.execute(
        insert(forgotten_persons).on_conflict_do_nothing(), [{"mark": mark} for mark in marks]
    )
    gone = sa.literal(list(persons), sa.ARRAY(sa.LargeBinary))
    await session.execute(
        referral_steps.update()
        .where(referral_steps.c.person == sa.any_(gone))
        .values(person=None, countable=False, sex=None, age_band=None)
    )
    await session.execute(
        reporting_grants.update()
        .where(reporting_grants.c.person == sa.any_(gone))
        .values(person=None)
    )


async def remember(session: AsyncSession, arrivals: Arrivals) -> None:
    """Store the days on which late events count, so that a rebuild produces the same rows."""
    late = [{"event_id": id_, "counted_on": day} for id_, day in arrivals.late.items()]
    if late:
        await session.execute(insert(late_arrivals).on_conflict_do_nothing(), late)


async def record_grants(
    session: AsyncSession, grants: Sequence[tuple[GrantData, bytes]], gone: AbstractSet[bytes]
) -> None:
    """Record grant events. A grant's two events may arrive in any order, and each adds its time. A known grant keeps
    its person."""
    new = insert(reporting_grants)
    moments = {
        name: sa.func.coalesce(new.excluded[name], reporting_grants.c[name])
        for name in ("given_at", "withdrawn_at")
    }
    rows = [
        {
            "grant_id": event.grant_id,
            "person": None if person in gone else person,
            "given_at": event.occurred_at if isinstance(event, GrantGiven) else None,
            "withdrawn_at": None if isinstance(event, GrantGiven) else event.occurred_at,
        }
        for event, person in grants
    ]
    if rows:
        conflict = new.on_conflict_do_update(index_elements=["grant_id"], set_=moments)
        await session.execute(conflict, rows)


async def record_services(session: AsyncSession, kinds: Sorted) -> None:
    described: list[ServiceData | CapacityChanged] = [
        *(event for event, _ in kinds.of_kind(ServiceData)),
        *(event for event, _ in kinds.of_kind(CapacityChanged)),
    ]
    if not described:
        return
    facts: dict[UUID, ServiceFact] = dict(
        await queries.known_services(session, {e.service_id for e in described})
    )
    for event in described:
        fact = facts.get(event.service_id, ServiceFact(event.service_id, event.organisation_id))
        facts[event.service_id] = (
            describe(fact, event) if isinstance(event, ServiceData) else change_state(fact, event)
        )
    await session.execute(replacing(services), [vars(fact) for fact in facts.values()])


async def record_gaps(session: AsyncSession, kinds: Sorted, arrivals: Arrivals) -> None:
    rows = [
        {
            "area": event_facts.area_of(event.area) or "unknown",
            "need": event.need,
            "group": event.group,
            "week": event.day.isoformat() if event.day else event.week,
            "version": event.version,
            "count": event.count,
            "counted_on": arrivals.place(SEARCHES, envelope.id, event.day or _last_day(event.week)),
        }
        for event, envelope in kinds.of_kind(GapObserved)
    ]
    if rows:
        await session.execute(insert(gap_counts).on_conflict_do_nothing(), rows)


def _last_day(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1) + timedelta(days=6)
