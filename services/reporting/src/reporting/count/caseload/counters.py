"""Maps caseload events to counters, by scope, month and area. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple
from uuid import UUID

HOLDER, GIVER, RECEIVER, LINE = "holder", "giver", "receiver", "line"
REGISTERED, CLOSED = "case_registered", "case_closed"
OFFERED, ACCEPTED = "transfer_offered", "transfer_accepted"
DECLINED, RECALLED = "transfer_declined", "transfer_recalled"
REPORTED = "line_report"
UNKNOWN = "unknown"


class CaseloadFact(NamedTuple):
    """An event. `detail` is the reason for a closing, or the kind of a report on the anonymous line."""

    event_id: UUID
    what: str
    occurred_on: date
    organisation: UUID | None = None
    other_organisation: UUID | None = None
    area: str | None = None
    detail: str | None = None


class CaseloadKey(NamedTuple):
    """A counter. `scope_id` is an organisation or, for the anonymous line, the kind of report."""

    scope: str
    scope_id: str
    month: date
    area: str
    what: str


def increments(facts: Iterable[CaseloadFact]) -> Counter[CaseloadKey]:
    return Counter(key for fact in facts for key in keys(fact))


def keys(fact: CaseloadFact) -> Iterator[CaseloadKey]:
    """Yield a fact's counters. A transfer counts for both sides, a case counts for its holder, and a closing also
    counts by its reason."""
    month = fact.occurred_on.replace(day=1)
    area = fact.area or UNKNOWN
    if fact.what == REPORTED:
        yield CaseloadKey(LINE, fact.detail or UNKNOWN, month, area, fact.what)
        return
    one = HOLDER if fact.what in {REGISTERED, CLOSED} else GIVER
    yield CaseloadKey(one, str(fact.organisation), month, area, fact.what)
    if fact.what == CLOSED:
        reason = f"{CLOSED}:{fact.detail or UNKNOWN}"
        yield CaseloadKey(one, str(fact.organisation), month, area, reason)
    if one == GIVER:
        yield CaseloadKey(RECEIVER, str(fact.other_organisation), month, area, fact.what)
