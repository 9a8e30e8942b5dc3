"""A step in the form that releases use."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID


class Step(NamedTuple):
    """A state that a referral reached, with only the data that releases may use. Only steps recorded under a reporting
    grant exist here. ``area`` is already at the level that programmes use."""

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
