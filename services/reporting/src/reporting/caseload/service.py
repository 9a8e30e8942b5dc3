"""Records the caseload: facts once per event, counters in step. Never commits."""

from sqlalchemy.ext.asyncio import AsyncSession

from reporting.caseload.counting import CaseloadFact, CaseloadKey, increments
from reporting.caseload.models import caseload_counters, caseload_facts
from reporting.caseload.reading import read_caseload
from reporting.facts.bulk import insert_rows
from reporting.facts.received import Sorted


async def record_caseload(session: AsyncSession, kinds: Sorted) -> None:
    """Write what is new, and add it to the counters; keys in a fixed order, as all writers do."""
    facts = {fact.event_id: fact for fact in read_caseload(kinds)}
    if not facts:
        return
    written = await session.scalars(
        insert_rows(caseload_facts, CaseloadFact._fields, list(facts.values()))
        .on_conflict_do_nothing()
        .returning(caseload_facts.c.event_id)
    )
    counted = increments(facts[event_id] for event_id in written)
    if not counted:
        return
    rows = [(*key, count) for key, count in sorted(counted.items())]
    statement = insert_rows(caseload_counters, [*CaseloadKey._fields, "count"], rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=list(CaseloadKey._fields),
            set_={"count": caseload_counters.c.count + statement.excluded["count"]},
        )
    )
