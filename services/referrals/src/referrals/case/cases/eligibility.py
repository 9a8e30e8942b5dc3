"""Checks whether a person may be referred to a service, given both the case and the service."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.cases import service as case_service
from referrals.case.cases.models import Case
from referrals.ground.directory.models import DirectoryService
from referrals.ground.directory.queries import refuse_unless_choosable, service_shown_to
from referrals.ground.keys.store import CaseKeys


@dataclass(frozen=True, slots=True)
class CaseAndService:
    """A case and a service. `service` is None if the directory hides it from the caller."""

    case: Case
    key: bytes
    service: DirectoryService | None
    implicated: bool

    def service_for(self, category: str, now: datetime, pointer: str) -> DirectoryService:
        """Return the service if the case is open and the caller may choose the service for it."""
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
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID, service_id: UUID | None
) -> CaseAndService:
    """Return the caller's case, locked, with its key and the service. Raise 404 if another organisation holds the case,
    410 if it was erased."""
    case = await cases.own_case(session, caller, case_id, lock=True)
    key = await case_service.key_of(keys, case.id)
    service = await service_shown_to(session, caller, service_id)
    implicated = service is not None and (
        service.organisation_id in await cases.implicated(session, case.id)
    )
    return CaseAndService(case, key, service, implicated)
