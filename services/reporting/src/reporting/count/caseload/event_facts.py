"""Converts events about cases, transfers and the anonymous line into facts."""

from collections.abc import Iterator, Mapping

from common import clock
from common.events.base import Event
from common.events.referrals import (
    CaseClosed,
    CaseData,
    CaseRegistered,
    LineReportReceived,
    TransferAccepted,
    TransferData,
    TransferDeclined,
    TransferOffered,
    TransferRecalled,
)

from reporting.count.caseload import counters
from reporting.count.caseload.counters import CaseloadFact
from reporting.count.facts.event_facts import area_of
from reporting.count.facts.received import Sorted

_WHAT: Mapping[type[Event], str] = {
    CaseRegistered: counters.REGISTERED,
    CaseClosed: counters.CLOSED,
    TransferOffered: counters.OFFERED,
    TransferAccepted: counters.ACCEPTED,
    TransferDeclined: counters.DECLINED,
    TransferRecalled: counters.RECALLED,
}


def read_caseload(kinds: Sorted) -> Iterator[CaseloadFact]:
    """Return the caseload facts in a batch of events."""
    for case, envelope in kinds.of_kind(CaseData):
        yield CaseloadFact(
            envelope.id,
            _WHAT[type(case)],
            clock.utc_day(case.occurred_at),
            organisation=case.organisation_id,
            area=area_of(case.area),
            detail=case.reason if isinstance(case, CaseClosed) else None,
        )
    for transfer, envelope in kinds.of_kind(TransferData):
        yield CaseloadFact(
            envelope.id,
            _WHAT[type(transfer)],
            clock.utc_day(transfer.occurred_at),
            organisation=transfer.from_organisation,
            other_organisation=transfer.to_organisation,
        )
    for report, envelope in kinds.of_kind(LineReportReceived):
        yield CaseloadFact(
            envelope.id,
            counters.REPORTED,
            clock.utc_day(report.occurred_at),
            area=area_of(report.area),
            detail=report.kind,
        )
