"""A step as releases may know it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True)
class Step:
    """One state that a referral reached, as far as releases may know it.

    Only steps recorded under a reporting grant exist here. ``area`` is already at the level that
    programmes use.
    """

    person: bytes
    counted_on: date
    referral_id: UUID
    version: int
    state: str
    occurred_at: datetime
    category: str
    aor: str
    area: str | None
    sex: str | None
    age_band: str | None
