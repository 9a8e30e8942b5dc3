"""A step as releases may know it."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID


class Step(NamedTuple):
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
