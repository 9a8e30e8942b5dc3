"""Writes facts, one or many at a time; what else an event changes is put together in `recording`.
Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from common.events.directory import CapacityChanged, GapObserved, ServiceData
from common.events.referrals import GrantData, GrantGiven
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts import queries, reading
from reporting.facts.array_text import array_text
from reporting.facts.arrivals import REFERRED, SEARCHES, Arrivals
from reporting.facts.bulk import BulkInsert, Parts, Rows, replacing
from reporting.facts.models import (
    forgotten_persons,
    gap_counts,
    late_arrivals,
    referral_facts,
    referral_steps,
    reporting_grants,
    services,
)
from reporting.facts.progress import FactStep, ReferralFact, advance
from reporting.facts.reading import RecordedStep
from reporting.facts.received import Sorted
from reporting.facts.service_facts import ServiceFact, change_state, describe
from reporting.tables import WRITER_LOCK


async def lock_projection(session: AsyncSession) -> None:
    """Be the only writer of the projection until the transaction ends."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))


_STEP_COLUMNS = [
    *FactStep._fields,
    *("counted_on", "person", "urgency", "countable", "sex", "age_band"),
]
_SERVICE_COLUMNS = [each.name for each in fields(ServiceFact)]
_STEPS = BulkInsert(referral_steps, _STEP_COLUMNS)
_REFERRALS = BulkInsert(
    referral_facts, ReferralFact._fields, replacing(referral_facts, ReferralFact._fields)
)
_SERVICES = BulkInsert(services, _SERVICE_COLUMNS, replacing(services, _SERVICE_COLUMNS))
_GAPS = BulkInsert(gap_counts, ["area", "need", "group", "week", "version", "count", "counted_on"])
_LATE_ARRIVALS = BulkInsert(late_arrivals, ["event_id", "counted_on"])
_FORGOTTEN = BulkInsert(forgotten_persons, ["mark"])
_MOMENTS = ("given_at", "withdrawn_at")


def _adding_moments(new: Insert) -> Insert:
    """Of a grant that is known, what is told of it now; whose it was stays."""
    told = {
        name: sa.func.coalesce(new.excluded[name], reporting_grants.c[name]) for name in _MOMENTS
    }
    return new.on_conflict_do_update(index_elements=["grant_id"], set_=told)


_GRANTS = BulkInsert(reporting_grants, ["grant_id", "person", *_MOMENTS], _adding_moments)


def _step_row(of: RecordedStep, counted_on: date) -> tuple[Any, ...]:
    """A row of `_STEP_COLUMNS`."""
    return (*of.step, counted_on, of.person, of.urgency, of.countable, of.sex, of.age_band)


def without(gone: AbstractSet[bytes], steps: Sequence[RecordedStep]) -> list[RecordedStep]:
    if not gone:
        return list(steps)
    return [
        step._replace(person=None, countable=False, sex=None, age_band=None)
        if step.person in gone
        else step
        for step in steps
    ]


class Advanced(NamedTuple):
    """What steps change: the rows of the steps, where new and known referrals stand, and where each that moved
    stood and stands."""

    steps: Rows
    new: Sequence[ReferralFact]
    known: Sequence[ReferralFact]
    moved: Sequence[tuple[ReferralFact, ReferralFact]]

    def parts(self) -> Parts:
        """All of it, to write together."""
        return [(_STEPS, self.steps), (_REFERRALS, [*self.new, *self.known])]

    async def left_to_write(self, session: AsyncSession) -> Parts:
        """The same after many new rows were copied at once."""
        return [
            (_STEPS, await _STEPS.left_to_write(session, self.steps)),
            (_REFERRALS, [*await _REFERRALS.left_to_write(session, self.new), *self.known]),
        ]


def advanced(
    steps: Sequence[RecordedStep], before: Mapping[int, ReferralFact], arrivals: Arrivals
) -> Advanced:
    """The steps, and where their referrals stand then; `before` by the numbers of their ids."""
    rows = [
        _step_row(each, arrivals.place(REFERRED, each.event_id, each.natural_day)) for each in steps
    ]
    after: dict[int, ReferralFact] = {}
    for each in steps:
        step = each.step
        number = step.referral_id.int
        fact = after.get(number) or before.get(number) or ReferralFact(step.referral_id)
        after[number] = advance(fact, step)
    moved, new, known = [], [], []
    for number, fact in after.items():
        was = before.get(number)
        if was is None:
            new.append(fact)
            moved.append((ReferralFact(fact.referral_id), fact))
        elif was != fact:
            known.append(fact)
            moved.append((was, fact))
    return Advanced(rows, new, known, moved)


async def forget(session: AsyncSession, persons: Sequence[bytes], marks: Iterable[bytes]) -> None:
    """Erased persons are no units any more; their marks keep late events from bringing them back."""
    await _FORGOTTEN.write(session, [(mark,) for mark in sorted(set(marks))])
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
    """Keep on which day late events count: a rebuild ends in the same rows."""
    await _LATE_ARRIVALS.write(session, list(arrivals.late.items()))


def remembered(arrivals: Arrivals) -> Parts:
    """What `remember` writes."""
    return [(_LATE_ARRIVALS, list(arrivals.late.items()))]


async def record_grants(
    session: AsyncSession, grants: Sequence[tuple[GrantData, bytes]], gone: AbstractSet[bytes]
) -> None:
    rows: dict[UUID, list[Any]] = {}
    for event, person in grants:
        row = rows.setdefault(
            event.grant_id, [event.grant_id, None if person in gone else person, None, None]
        )
        row[2 if isinstance(event, GrantGiven) else 3] = event.occurred_at
    await _GRANTS.write(session, list(rows.values()))


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
    rows = [
        tuple(array_text(v) if isinstance(v, tuple) else v for v in vars(fact).values())
        for fact in facts.values()
    ]
    await _SERVICES.write(session, rows)


async def record_gaps(session: AsyncSession, kinds: Sorted, arrivals: Arrivals) -> None:
    rows = [
        (
            reading.area_of(event.area) or "unknown",
            event.need,
            event.group,
            event.day.isoformat() if event.day else event.week,
            event.version,
            event.count,
            arrivals.place(SEARCHES, envelope.id, event.day or _last_day(event.week)),
        )
        for event, envelope in kinds.of_kind(GapObserved)
    ]
    await _GAPS.write(session, rows)


def _last_day(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1) + timedelta(days=6)
