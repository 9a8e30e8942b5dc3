"""Domain events of a case, handled by other modules in the same transaction. `followers_service` lists the handlers."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from common.auth import Principal

from referrals.ground.keys.store import CaseKeys


@dataclass(frozen=True)
class CaseClosing:
    """The case is about to close; a handler may raise to prevent that. Runs with the caller's rights."""

    case_id: UUID


@dataclass(frozen=True)
class CaseClosed:
    """The case is closed; handlers end its open work. Runs with service rights."""

    case_id: UUID
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CaseErased:
    """The key is destroyed; handlers delete everything that the key sealed or that describes the person. Runs with
    service rights."""

    case_id: UUID
    caller: Principal | None
    keys: CaseKeys


@dataclass(frozen=True)
class CaseHandedOver:
    """The case belongs to another organisation from this transaction on. Runs with service rights."""

    case_id: UUID
    former: UUID
    new: UUID
    keys: CaseKeys


@dataclass(frozen=True)
class ConflictRecorded:
    """The case now implicates exactly these organisations. Runs with the caller's rights."""

    case_id: UUID
    implicated: AbstractSet[UUID]
    caller: Principal
    keys: CaseKeys


@dataclass(frozen=True)
class CameOfAge:
    """The record shows that the person is now of age. Runs with the recorder's rights."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class CaregiverSuppressed:
    """The caregiver is implicated or absent, so nobody may use their decision or contact. Runs with the caller's
    rights."""

    case_id: UUID
    holder: UUID
    today: date


@dataclass(frozen=True)
class CasesLost:
    """These people or clients no longer work with their organisation's cases. Runs without any caller's rights."""

    subjects: AbstractSet[str]


@dataclass(frozen=True)
class ServicesChanged:
    """Directory services, and whether users may choose each of them now. Runs with service rights."""

    choosable: Mapping[UUID, bool]
    now: datetime
