"""Records the caseload: each event's facts once, and the counters in the same step. Never commits."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.caseload.counters import CaseloadKey, increments
from reporting.count.caseload.event_facts import read_caseload
from reporting.count.caseload.models import caseload_counters, caseload_facts
from reporting.count.facts.received import Sorted


async def record_caseload(session: AsyncSession, kinds: Sorted) -> None:
    """Write the new facts and add them to the counters."""
    facts = {fact.event_id: fact for fact in read_caseload(kinds)}
    if not facts:
        return
    event_id = caseload_facts.c.event_id
    written = await session.scalars(
        insert(caseload_facts).on_conflict_do_nothing().returning(event_id),
        [fact._asdict() for fact in facts.values()],
    )
    counted = increments(facts[id_] for id_ in written)
    rows = [{**key._asdict(), "count": count} for key, count in counted.items()]
    if rows:
        new = insert(caseload_counters)
        summed = caseload_counters.c["count"] + new.excluded["count"]
        conflict = new.on_conflict_do_update(
            index_elements=list(CaseloadKey._fields), set_={"count": summed}
        )
        await session.execute(conflict, rows)
