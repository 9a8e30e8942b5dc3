"""Records events as facts, one or many at a time, and keeps the counters in step. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.events.directory import CapacityChanged, GapObserved, ServiceData
from common.events.referrals import (
    AssistanceGiven,
    CaseErased,
    EscalationRaised,
    FeedbackConfirmed,
    GrantData,
    GrantGiven,
    ReferralData,
    ScreeningConcluded,
    ScreeningErased,
    ScreeningProgress,
)
from common.messaging import forget_in_dead_letters
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.caseload.service import record_caseload
from reporting.facts import queries, reading
from reporting.facts.array_text import array_text
from reporting.facts.arrivals import REFERRED, SCREENED, SEARCHES, Arrivals
from reporting.facts.bulk import BulkInsert, replacing, write_together
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
from reporting.facts.pseudonyms import forgotten_mark, pseudonym
from reporting.facts.reading import RecordedStep
from reporting.facts.received import Received, Sorted, is_kind
from reporting.facts.service_facts import ServiceFact, change_state, describe
from reporting.indicators.service import COUNTERS, counter_rows
from reporting.indicators.vector import Increments, collect
from reporting.tables import COMMON
from reporting.trafficking.reading import Fact, read_assistance, read_progress, read_screening
from reporting.trafficking.service import forget_identified, record_identifications

WRITER_LOCK = 0x52555450
"""Advisory lock of whoever changes the projection: counters are shared rows, and a swap waits."""


@dataclass(frozen=True)
class Recorder:
    """Records events with the key that makes pseudonyms."""

    pseudonym_key: bytes = field(repr=False)

    async def record(
        self, session: AsyncSession, batch: Sequence[Received], *, seen: AbstractSet[UUID]
    ) -> None:
        """The effect of events in any order. `seen`: those that had their effect before.

        Who writes the live projection holds `WRITER_LOCK`.
        """
        kinds = Sorted(batch)
        await self._forget(session, kinds)
        steps = list(self._steps(kinds))
        grants = list(self._grants(kinds))
        identified = list(self._identified(kinds))
        persons = {
            *(step.person for step in steps),
            *(person for _, person in grants),
            *(fact["person"] for fact, _ in identified),
        }
        marks = {forgotten_mark(self.pseudonym_key, p): p for p in persons if p is not None}
        known = await queries.known(
            session, marks=marks, referrals={each.step.referral_id for each in steps}
        )
        gone = {marks[mark] for mark in known.forgotten}
        arrivals = Arrivals(
            today=clock.now().date(),
            closed=known.closed,
            remembered=await queries.remembered_arrivals(session, seen),
            seen=seen,
        )
        await _record_steps(session, _without(gone, steps), known.referrals, arrivals)
        await _record_grants(session, grants, gone)
        await record_identifications(
            session,
            [
                (fact, arrivals.place(SCREENED, id_, fact["occurred_on"]))
                for fact, id_ in identified
            ],
            gone,
        )
        await record_caseload(session, kinds)
        await _record_services(session, kinds)
        await _record_gaps(session, kinds, arrivals)
        await _LATE_ARRIVALS.write(session, list(arrivals.late.items()))

    def _steps(self, kinds: Sorted) -> Iterable[RecordedStep]:
        for event, envelope in kinds.of_kind(ReferralData):
            if is_kind(type(event), FeedbackConfirmed):  # tells of no new state
                yield reading.read_confirmation(event, envelope.id)
            else:
                yield reading.read_state(event, envelope.id, self.pseudonym_key)
        for escalation, envelope in kinds.of_kind(EscalationRaised):
            yield reading.read_escalation(escalation, envelope.id)

    def _grants(self, kinds: Sorted) -> Iterable[tuple[GrantData, bytes]]:
        for event, _ in kinds.of_kind(GrantData):
            if event.kind == "reporting":
                yield event, pseudonym(self.pseudonym_key, event.case_id)

    def _identified(self, kinds: Sorted) -> Iterable[tuple[Fact, UUID]]:
        """Facts of identification and assistance, each with the id of its event."""
        for screening, envelope in kinds.of_kind(ScreeningConcluded):
            yield read_screening(screening, self.pseudonym_key), envelope.id
        for assistance, envelope in kinds.of_kind(AssistanceGiven):
            yield read_assistance(assistance, self.pseudonym_key), envelope.id
        for progress, envelope in kinds.of_kind(ScreeningProgress):
            yield read_progress(progress, self.pseudonym_key), envelope.id

    async def _forget(self, session: AsyncSession, kinds: Sorted) -> None:
        """An erased person is no unit any more; what was released never named it.

        The person is told by the case, or by the screening of no case, that stood for it.
        """
        erased = [
            *(e.case_id for e, _ in kinds.of_kind(CaseErased)),
            *(e.screening_id for e, _ in kinds.of_kind(ScreeningErased)),
        ]
        if not erased:
            return
        await forget_in_dead_letters(session, COMMON, erased)
        persons = [pseudonym(self.pseudonym_key, unit) for unit in erased]
        marks = sorted({forgotten_mark(self.pseudonym_key, person) for person in persons})
        await _FORGOTTEN.write(session, [(mark,) for mark in marks])
        gone = sa.literal(persons, sa.ARRAY(sa.LargeBinary))
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
        await forget_identified(session, persons)


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


def _step_row(of: RecordedStep, counted_on: date) -> tuple[Any, ...]:
    """A row of `_STEP_COLUMNS`."""
    return (*of.step, counted_on, of.person, of.urgency, of.countable, of.sex, of.age_band)


def _without(gone: AbstractSet[bytes], steps: Sequence[RecordedStep]) -> list[RecordedStep]:
    return [
        step._replace(person=None, countable=False, sex=None, age_band=None)
        if step.person in gone
        else step
        for step in steps
    ]


async def _record_steps(
    session: AsyncSession,
    steps: Sequence[RecordedStep],
    before: Mapping[UUID, ReferralFact],
    arrivals: Arrivals,
) -> None:
    """Steps, where their referrals stand then, and what that changes in the counters."""
    rows = [
        _step_row(each, arrivals.place(REFERRED, each.event_id, each.natural_day)) for each in steps
    ]
    after: dict[UUID, ReferralFact] = {}
    for each in steps:
        referral_id = each.step.referral_id
        fact = after.get(referral_id) or before.get(referral_id) or ReferralFact(referral_id)
        after[referral_id] = advance(fact, each.step)
    changed = {i: fact for i, fact in after.items() if before.get(i) != fact}
    increments: Increments = {}
    for referral_id, fact in changed.items():
        collect(increments, before.get(referral_id, ReferralFact(referral_id)), fact)
    new = [fact for i, fact in changed.items() if i not in before]
    known = [fact for i, fact in changed.items() if i in before]
    await write_together(
        session,
        [
            (_STEPS, await _STEPS.left_to_write(session, rows)),
            (_REFERRALS, [*await _REFERRALS.left_to_write(session, new), *known]),
            (COUNTERS, counter_rows(increments)),
        ],
    )


async def _record_grants(
    session: AsyncSession, grants: Sequence[tuple[GrantData, bytes]], gone: AbstractSet[bytes]
) -> None:
    for event, person in grants:
        moment = "given_at" if isinstance(event, GrantGiven) else "withdrawn_at"
        statement = insert(reporting_grants).values(
            grant_id=event.grant_id,
            person=None if person in gone else person,
            **{moment: event.occurred_at},
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["grant_id"], set_={moment: event.occurred_at}
            )
        )


async def _record_services(session: AsyncSession, kinds: Sorted) -> None:
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


async def _record_gaps(session: AsyncSession, kinds: Sorted, arrivals: Arrivals) -> None:
    rows = [
        (
            reading.area_of(event.area) or "unknown",
            event.need,
            event.group,
            event.week,
            event.version,
            event.count,
            arrivals.place(SEARCHES, envelope.id, _last_day(event.week)),
        )
        for event, envelope in kinds.of_kind(GapObserved)
    ]
    await _GAPS.write(session, rows)


def _last_day(week: str) -> date:
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1) + timedelta(days=6)
