"""Records events: facts, counters and the caseload in step, in the order that they depend on each
other. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common import clock
from common.database import Database
from common.events.base import Event
from common.events.envelope import Envelope
from common.events.referrals import (
    AssistanceGiven,
    CaseErased,
    EscalationRaised,
    FeedbackConfirmed,
    GrantData,
    ReferralData,
    ScreeningConcluded,
    ScreeningErased,
    ScreeningProgress,
)
from common.messaging import forget_in_dead_letters
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.caseload.service import record_caseload
from reporting.facts import reading
from reporting.facts import service as facts
from reporting.facts.arrivals import SCREENED, Arrivals
from reporting.facts.bulk import BulkInsert, Rows, write_together
from reporting.facts.progress import ReferralFact
from reporting.facts.pseudonyms import forgotten_mark, pseudonym
from reporting.facts.queries import remembered_arrivals
from reporting.facts.reading import RecordedStep
from reporting.facts.received import Received, Sorted, is_kind
from reporting.indicators.service import COUNTERS, counter_rows
from reporting.indicators.vector import Increments, collect
from reporting.recording import queries, turn_service
from reporting.tables import COMMON
from reporting.trafficking.reading import Fact, read_assistance, read_progress, read_screening
from reporting.trafficking.service import forget_identified, record_identifications

_KEPT = 1000


@dataclass(frozen=True)
class Recorder:
    """Records events with the key that makes pseudonyms."""

    pseudonym_key: bytes = field(repr=False)
    _stood: dict[int, ReferralFact] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Where the referrals stand that came alone last, by the numbers of their ids. May be out of date."""

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
            session,
            marks=marks,
            referrals={each.step.referral_id.int: each.step.referral_id for each in steps}.values(),
        )
        gone = {marks[mark] for mark in known.forgotten}
        arrivals = Arrivals(
            today=clock.utc_day(clock.now()),
            closed=known.closed,
            remembered=await remembered_arrivals(session, seen),
            seen=seen,
        )
        await _record_steps(session, facts.without(gone, steps), known.referrals, arrivals)
        await facts.record_grants(session, grants, gone)
        await record_identifications(
            session,
            [
                (fact, arrivals.place(SCREENED, id_, fact["occurred_on"]))
                for fact, id_ in identified
            ],
            gone,
        )
        await record_caseload(session, kinds)
        await facts.record_services(session, kinds)
        await facts.record_gaps(session, kinds, arrivals)
        await facts.remember(session, arrivals)

    async def record_alone(
        self, database: Database, consumer: str, event: Event, envelope: Envelope
    ) -> bool | None:
        """The effect of one event that is a step of a referral, with its row of the inbox, in one round trip where
        what is known of it can be guessed (`_guessed`), or in two: what is known is read without a lock, and
        written down only if it is still so (`turn_service.write_if`).

        False: it had its effect before. None: it is something else, or somebody wrote the projection meanwhile;
        nothing was changed.
        """
        steps = list(self._steps(Sorted([(event, envelope)])))
        if len(steps) != 1:
            return None
        (each,) = steps
        mark = each.person and forgotten_mark(self.pseudonym_key, each.person)
        async with database.straight() as driver:
            if await self._guessed(driver, consumer, envelope.id, each, mark):
                return True
            before = await queries.known_alone(
                driver, consumer, envelope.id, mark=mark, referral=each.step.referral_id
            )
            if before.handled:
                return False
            gone = {each.person} if each.person and before.known.forgotten else set()
            arrivals = Arrivals(today=clock.utc_day(clock.now()), closed=before.known.closed)
            changed = facts.advanced(facts.without(gone, steps), before.known.referrals, arrivals)
            parts = [*_alone(changed), *facts.remembered(arrivals)]
            written = await turn_service.write_if(driver, before.turn, consumer, envelope.id, parts)
        if not written:
            return None
        self._keep(changed)
        return True

    async def _guessed(
        self, driver: Any, consumer: str, event: UUID, each: RecordedStep, mark: bytes | None
    ) -> bool:
        """Whether it was recorded by a guess: the first step of a referral, or the next of one that came alone before,
        of a person who was not erased and of an open period. If it was not so, nothing was changed but the turn.
        """
        step = each.step
        stood = self._stood.pop(step.referral_id.int, None)
        if not reading.is_next(step, stood):
            return False
        before = {} if stood is None else {step.referral_id.int: stood}
        changed = facts.advanced([each], before, Arrivals(today=clock.utc_day(clock.now())))
        guess = turn_service.Guess(step.referral_id, stood, mark, each.natural_day)
        if not await turn_service.write_as_guessed(driver, guess, consumer, event, _alone(changed)):
            return False
        self._keep(changed)
        return True

    def _keep(self, changed: facts.Advanced) -> None:
        for _, fact in changed.moved:
            self._stood.pop(fact.referral_id.int, None)
            self._stood[fact.referral_id.int] = fact
        while len(self._stood) > _KEPT:
            del self._stood[next(iter(self._stood))]

    def _steps(self, kinds: Sorted) -> Iterable[RecordedStep]:
        # A case has several events in a batch; which case it was is forgotten with the batch.
        persons: dict[int, bytes] = {}
        for event, envelope in kinds.of_kind(ReferralData):
            if is_kind(type(event), FeedbackConfirmed):  # tells of no new state
                yield reading.read_confirmation(event, envelope.id)
            else:
                case = event.case_id
                person = persons.get(case.int)
                if person is None:
                    person = persons[case.int] = pseudonym(self.pseudonym_key, case)
                yield reading.read_state(event, envelope.id, person)
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
        marks = [forgotten_mark(self.pseudonym_key, person) for person in persons]
        await facts.forget(session, persons, marks)
        await forget_identified(session, persons)


async def _record_steps(
    session: AsyncSession,
    steps: Sequence[RecordedStep],
    before: Mapping[int, ReferralFact],
    arrivals: Arrivals,
) -> None:
    """Steps, where their referrals stand then, and what that changes in the counters."""
    changed = facts.advanced(steps, before, arrivals)
    left = await changed.left_to_write(session)
    await write_together(session, [*left, (COUNTERS, _counted(changed))])


def _alone(changed: facts.Advanced) -> list[tuple[BulkInsert, Rows]]:
    return [*changed.parts(), (COUNTERS, _counted(changed))]


def _counted(changed: facts.Advanced) -> Rows:
    increments: Increments = {}
    for was, is_now in changed.moved:
        collect(increments, was, is_now)
    return counter_rows(increments)
