"""What happens to a case and has to be followed elsewhere, in the same transaction: see
common/happenings.py. `followers_service` says who follows, in which order."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from common.auth import Principal

from referrals.ground.keys.store import CaseKeys


@dataclass(frozen=True)
class CaseClosing:
    """The case is about to be closed: who has a reason against it raises it. Told with the rights of
    the caller."""

    case_id: UUID


@dataclass(frozen=True)
class CaseClosed:
    """Nothing of the case waits to be used or decided any more; what was used goes on. Told with
    service rights."""

    case_id: UUID
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CaseErased:
    """The key of the case is destroyed. What was sealed by it, or says something of the person,
    goes now; ids and the codes of the process remain. Told with service rights."""

    case_id: UUID
    caller: Principal | None
    keys: CaseKeys


@dataclass(frozen=True)
class CaseHandedOver:
    """The case is another organisation's from this transaction on. Told with service rights."""

    case_id: UUID
    former: UUID
    new: UUID
    keys: CaseKeys


@dataclass(frozen=True)
class ConflictRecorded:
    """These, and only these, are the organisations implicated in the case. Told with the rights of
    the caller."""

    case_id: UUID
    implicated: AbstractSet[UUID]
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CameOfAge:
    """The record says that the person is of age now. Told with the rights of whoever noted it."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class CaregiverSuppressed:
    """The caregiver is implicated or gone: their word ends, and nobody uses their contact any more.
    Told with the rights of the caller."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class ServicesChanged:
    """Services of the directory, by whether one may be chosen now. Told with service rights."""

    choosable: Mapping[UUID, bool]
    now: datetime
