"""What happens to a case and has to be followed elsewhere, in the same transaction.

Whoever lets it happen names no table and no use case of another capability. Each capability keeps
what it does in its own `following` module; `followers_service` says in which order. A happening for which
nobody was declared stops the transaction: nothing may be forgotten because a module was not loaded.
"""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.keys.store import CaseKeys


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


H = TypeVar("H")
Follower = Callable[[AsyncSession, H], Awaitable[None]]
_FOLLOWERS: dict[type[Any], tuple[Follower[Any], ...]] = {}


def declare(kind: type[H], *followers: Follower[H]) -> None:
    """Who follows, in this order."""
    _FOLLOWERS[kind] = followers


async def tell(session: AsyncSession, happening: object) -> None:
    """Let everybody follow. What was changed so far is sent first."""
    if type(happening) not in _FOLLOWERS:
        raise LookupError(f"nobody was declared to follow {type(happening).__name__}")
    await session.flush()
    for follow in _FOLLOWERS[type(happening)]:
        await follow(session, happening)
    await session.flush()
