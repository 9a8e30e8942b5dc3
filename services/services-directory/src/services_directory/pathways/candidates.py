"""What the rules know of one service, as one caller may see it.

Built from the stored document of the caller's level, so nothing here was ever hidden from them.
"""

from dataclasses import dataclass, field
from datetime import date

from services_directory.pathways.profile import Sex


@dataclass(frozen=True, slots=True)
class Opening:
    """Local opening hours on some weekdays (1 Monday … 7 Sunday), "HH:MM"; may pass midnight."""

    weekdays: frozenset[int]
    opens: str
    closes: str

    def covers(self, weekday: int, time: str) -> bool:
        """True when open at that local time."""
        if self.opens < self.closes:
            return weekday in self.weekdays and self.opens <= time < self.closes
        yesterday = 7 if weekday == 1 else weekday - 1
        return (weekday in self.weekdays and time >= self.opens) or (
            yesterday in self.weekdays and time < self.closes
        )


@dataclass(frozen=True, slots=True)
class ReferralWay:
    """How to refer: codes of codelists/referral_attributes; the texts are the service's own."""

    method: str | None = None
    response_delay: str | None = None
    next_step: str | None = None
    feedback_mechanism: str | None = None
    focal_role: str | None = None
    hours: str | None = None
    intermediary: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sets that are empty mean "everyone" or "anywhere not stated", as in HSDS.

    `area` is the most exact P-code of the site that the caller may see; `areas` are the P-codes
    served. `point` is (latitude, longitude). `remote` services need no journey.
    """

    service_id: str
    name: str
    organisation: str
    need: str
    referable: bool
    functional_status: str = "unknown"
    capacity_state: str | None = None
    minimum_age: float | None = None
    maximum_age: float | None = None
    sexes: frozenset[str] = frozenset()
    populations: frozenset[str] = frozenset()
    nationalities: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    area: str | None = None
    areas: frozenset[str] = frozenset()
    point: tuple[float, float] | None = None
    remote: bool = False
    openings: tuple[Opening, ...] = ()
    verified_on: date | None = None
    valid_until: date | None = None
    endorsed_by: frozenset[str] = frozenset()
    provider_level: str | None = None
    referral: ReferralWay = field(default_factory=ReferralWay)

    def admits(self, sex: Sex) -> bool:
        """True if the service is open to that sex."""
        return not self.sexes or sex.value in self.sexes
