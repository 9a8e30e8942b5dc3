"""What happens to a case and is handled elsewhere in the same transaction. `followers_service` lists who handles it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from common.auth import Principal

from referrals.ground.keys.store import CaseKeys


@dataclass(frozen=True)
class CaseClosing:
    """The case is about to be closed; a handler may raise against it. Told with the rights of the caller."""

    case_id: UUID


@dataclass(frozen=True)
class CaseClosed:
    """Handlers end what still waits in the case. Told with service rights."""

    case_id: UUID
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CaseErased:
    """The key is destroyed. Handlers delete all that it sealed or that describes the person. Told with service
    rights."""

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
    """Exactly these organisations are implicated in the case. Told with the rights of the caller."""

    case_id: UUID
    implicated: AbstractSet[UUID]
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CameOfAge:
    """The record says that the person is of age now. Raised with the rights of the person who noted it."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class CaregiverSuppressed:
    """The caregiver is implicated or gone: nobody uses their word or contact. Told with the rights of the caller."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class ServicesChanged:
    """Services of the directory, by whether one may be chosen now. Told with service rights."""

    choosable: Mapping[UUID, bool]
    now: datetime
