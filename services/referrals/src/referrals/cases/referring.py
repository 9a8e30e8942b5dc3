"""A case and the service that its person may be referred to: read together, judged together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from common.auth import Principal
from common.errors import INVALID
from common.reads import QuickStatement, split
from common.sight import audience_of
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.cases import queries as cases
from referrals.cases import service as case_service
from referrals.cases.made_together import Made
from referrals.cases.models import Case, CaseRecord
from referrals.directory.models import ServiceRecord
from referrals.directory.queries import (
    IS_THE_SERVICE,
    ITS_ORGANISATION,
    SERVICE_COLUMNS,
    beside_the_service,
    refuse_unless_choosable,
)
from referrals.errors import ERASED
from referrals.keys.store import CaseKeys, KeyDestroyed
from referrals.locking_queries import held_already
from referrals.timers.service import all_policies_column

# Bound: case_id and organisation of the case, service_id.
BOTH = (
    sa.select(
        *cases.RECORD_COLUMNS, *SERVICE_COLUMNS, cases.is_implicated("case_id", ITS_ORGANISATION)
    )
    .select_from(beside_the_service(Case))
    .where(*cases.OWN)
)
READ = QuickStatement(BOTH)
# Of a case that is known, with what sending asks beside.
_SERVICE = QuickStatement(
    sa.select(
        *SERVICE_COLUMNS, cases.is_implicated("case_id", ITS_ORGANISATION), all_policies_column()
    ).where(IS_THE_SERVICE)
)


@dataclass(frozen=True, slots=True)
class _Service:
    """As it was when it was read for a case that the same transaction has made."""

    record: ServiceRecord | None
    implicated: bool
    policies: Any = None


@dataclass(frozen=True, slots=True)
class CaseAndService:
    """`service` is None if the directory would show the caller none; `more`: what else a query asked."""

    case: CaseRecord
    key: bytes
    service: ServiceRecord | None
    implicated: bool
    more: tuple[Any, ...]

    def service_for(self, category: str, now: datetime, pointer: str) -> ServiceRecord:
        """The service, if the case is open and it may be chosen for this."""
        case_service.refuse_unless_open(self.case)
        service = refuse_unless_choosable(self.service, implicated=self.implicated, now=now)
        if category not in service.categories:
            raise INVALID.because(
                "service_does_not_offer_this_it_offers",
                ", ".join(service.categories),
                pointer=pointer,
            )
        return service


async def case_and_service(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    query: QuickStatement,
    wanted: dict[str, Any],
    *,
    hold: bool = False,
    past: bool = False,
) -> CaseAndService:
    """The caller's case with its key, and the service; 404 if it is not theirs, 410 if erased.

    `hold`: for whoever does not hold the case yet and will write about it. `past`: as for `QuickStatement`.
    """
    case_id, reading = wanted["case_id"], _row(session, caller, query, wanted, hold, past)
    try:
        row, key = await keys.beside(case_id, reading, held=case_id in held_already(session))
    except KeyDestroyed as error:
        raise ERASED.because("only_case_code_and_its_history_remain") from error
    (case, service), (implicated, *more) = split(row, CaseRecord, ServiceRecord)
    return CaseAndService(case, key, _seen_by(caller, service), implicated, tuple(more))


async def made_case_and_service(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    made: Made,
    wanted: dict[str, Any],
) -> CaseAndService:
    """As `case_and_service` with `READ` and `hold`; what the transaction has made itself is not read again, and
    `more` is what coordinators have changed of times (`all_policies_column`) then."""
    case = made.find(CaseRecord, wanted["case_id"])
    if case is None:
        return await case_and_service(session, caller, keys, READ, wanted, hold=True)
    reading = _service_for(session, made, wanted)
    service, key = await keys.beside(case.id, reading, held=True)
    seen = _seen_by(caller, service.record)
    return CaseAndService(case, key, seen, service.implicated, (service.policies,))


async def _service_for(session: AsyncSession, made: Made, wanted: dict[str, Any]) -> _Service:
    ids = wanted["case_id"], wanted["service_id"]
    known = made.find(_Service, *ids)
    if known is None:
        known = await _read_service(session, wanted)
        made.keep(known, *ids)
    return known


async def _read_service(session: AsyncSession, wanted: dict[str, Any]) -> _Service:
    if wanted["service_id"] is None:
        return _Service(None, implicated=False)
    row = await _SERVICE.first(session, wanted, past=True)
    if row is None:
        return _Service(None, implicated=False)
    (record,), (implicated, policies) = split(row, ServiceRecord)
    return _Service(record, implicated, policies)


def _seen_by(caller: Principal, service: ServiceRecord | None) -> ServiceRecord | None:
    """None if the directory shows this caller none."""
    return service if service is not None and audience_of(caller).sees(service) else None


async def _row(
    session: AsyncSession,
    caller: Principal,
    query: QuickStatement,
    wanted: dict[str, Any],
    hold: bool,
    past: bool,
) -> Any:
    if hold:
        await cases.hold_own(session, caller, wanted["case_id"])
    row = await query.first(session, {**wanted, "organisation": caller.organisation}, past=past)
    if row is None:
        raise cases.not_here()
    return row
