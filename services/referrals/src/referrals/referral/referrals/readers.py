"""Who read a person's shared content, by any route, and who can still read it. Pure. The person sees this."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID


class ReadingRoad(StrEnum):
    """The route by which an organisation could read the content."""

    REFERRAL = "referral"
    TRANSFER = "transfer"
    BREAK_GLASS = "break_glass"


class Entry(Protocol):
    """An entry in the case's audit."""

    action: str
    target_id: UUID
    organisation_id: UUID | None
    at: datetime
    detail: dict[str, Any]


@dataclass(frozen=True)
class Shared:
    """The content shared under a consent: referrals with their recipients, and the case itself."""

    kind: str
    sent_to: Mapping[UUID, UUID]
    accepted: Mapping[UUID, datetime]
    """By organisation, the time since which it has held the case."""


@dataclass(frozen=True)
class Reading:
    """One reading. Empty `items` means the whole record."""

    road: ReadingRoad
    target_id: UUID
    organisation_id: UUID | None
    at: datetime
    items: tuple[str, ...] = ()


def readings(shared: Shared, entries: Iterable[Entry]) -> list[Reading]:
    """Return the readings to report to the person when this consent ends, oldest first."""
    if not is_read(shared.kind):
        return []
    return [reading for entry in entries if (reading := _reading(shared, entry)) is not None]


def is_read(kind: str) -> bool:
    """Return whether a consent of this kind lets anybody read personal content. Statistics name nobody."""
    return kind in ("referral", "transfer")


def _reading(shared: Shared, entry: Entry) -> Reading | None:
    who = entry.organisation_id
    found = (entry.target_id, who, entry.at)
    if entry.action == "break_glass.read":
        return Reading(ReadingRoad.BREAK_GLASS, *found)
    if entry.action == "disclosure.read" and who and shared.sent_to.get(entry.target_id) == who:
        return Reading(ReadingRoad.REFERRAL, *found, tuple(entry.detail.get("items", ())))
    since = shared.accepted.get(who) if who else None
    if since is not None and entry.at >= since:
        return Reading(ReadingRoad.TRANSFER, *found)
    return None


def goes_on(shared: Shared, holder: UUID) -> UUID | None:
    """Return the organisation that can still read because it received content and now holds the case."""
    received = {*shared.sent_to.values(), *shared.accepted}
    return holder if holder in received else None
