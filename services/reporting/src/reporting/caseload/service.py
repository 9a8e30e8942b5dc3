"""Records the caseload: facts once per event, counters in step. Never commits."""

from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.caseload.counting import CaseloadFact, CaseloadKey, increments
from reporting.caseload.models import caseload_counters, caseload_facts
from reporting.caseload.reading import read_caseload
from reporting.facts.bulk import BulkInsert
from reporting.facts.received import Sorted


def _adding(new: Insert) -> Insert:
    summed = caseload_counters.c.count + new.excluded["count"]
    return new.on_conflict_do_update(
        index_elements=list(CaseloadKey._fields), set_={"count": summed}
    )


_FACTS = BulkInsert(caseload_facts, CaseloadFact._fields)
_COUNTERS = BulkInsert(caseload_counters, [*CaseloadKey._fields, "count"], _adding)


async def record_caseload(session: AsyncSession, kinds: Sorted) -> None:
    """Write what is new, and add it to the counters; keys in a fixed order, as all writers do."""
    facts = {fact.event_id: fact for fact in read_caseload(kinds)}
    written = await _FACTS.write(session, list(facts.values()))
    counted = increments(facts[event_id] for (event_id,) in written)
    await _COUNTERS.write(session, [(*key, count) for key, count in sorted(counted.items())])
