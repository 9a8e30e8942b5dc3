"""Records events: facts, counters and the caseload together, in dependency order. Never commits."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

from common import clock
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

from reporting.count.caseload.service import record_caseload
from reporting.count.facts import event_facts
from reporting.count.facts import service as facts
from reporting.count.facts.arrivals import SCREENED, Arrivals
from reporting.count.facts.event_facts import RecordedStep
from reporting.count.facts.pseudonyms import forgotten_mark, pseudonym
from reporting.count.facts.queries import remembered_arrivals
from reporting.count.facts.received import Received, Sorted
from reporting.count.indicators.service import add_to_counters
from reporting.count.indicators.vector import Increments, collect
from reporting.count.trafficking.event_facts import (
    Fact,
    read_assistance,
    read_progress,
    read_screening,
)
from reporting.count.trafficking.service import forget_identified, record_identifications
from reporting.recording import queries
from reporting.tables import COMMON


@dataclass(frozen=True)
class Recorder:
    """Records events, with the key for creating pseudonyms."""

    pseudonym_key: bytes = field(repr=False)

    async def record(
        self, session: AsyncSession, batch: Sequence[Received], *, seen: AbstractSet[UUID]
    ) -> None:
        """Apply events in any order. `seen` contains the events already applied. A writer of the live projection must
        hold `WRITER_LOCK`."""
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
            referrals={each.step.referral_id for each in steps},
        )
        gone = {marks[mark] for mark in known.forgotten}
        arrivals = Arrivals(
            today=clock.utc_day(clock.now()),
            closed=known.closed,
            remembered=await remembered_arrivals(session, seen),
            seen=seen,
        )
        moved = await facts.record_steps(
            session, facts.without(gone, steps), known.referrals, arrivals
        )
        increments: Increments = {}
        for before, after in moved:
            collect(increments, before, after)
        await add_to_counters(session, increments)
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

    def _steps(self, kinds: Sorted) -> Iterable[RecordedStep]:
        for event, envelope in kinds.of_kind(ReferralData):
            if isinstance(event, FeedbackConfirmed):  # this does not change the state
                yield event_facts.read_confirmation(event, envelope.id)
            else:
                person = pseudonym(self.pseudonym_key, event.case_id)
                yield event_facts.read_state(event, envelope.id, person)
        for escalation, envelope in kinds.of_kind(EscalationRaised):
            yield event_facts.read_escalation(escalation, envelope.id)

    def _grants(self, kinds: Sorted) -> Iterable[tuple[GrantData, bytes]]:
        for event, _ in kinds.of_kind(GrantData):
            if event.kind == "reporting":
                yield event, pseudonym(self.pseudonym_key, event.case_id)

    def _identified(self, kinds: Sorted) -> Iterable[tuple[Fact, UUID]]:
        """Yield facts about identification and assistance, each with its event's id."""
        for screening, envelope in kinds.of_kind(ScreeningConcluded):
            yield read_screening(screening, self.pseudonym_key), envelope.id
        for assistance, envelope in kinds.of_kind(AssistanceGiven):
            yield read_assistance(assistance, self.pseudonym_key), envelope.id
        for progress, envelope in kinds.of_kind(ScreeningProgress):
            yield read_progress(progress, self.pseudonym_key), envelope.id

    async def _forget(self, session: AsyncSession, kinds: Sorted) -> None:
        """Remove an erased person, identified by the case or by a screening without a case. Releases never contained
        the person's data."""
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
