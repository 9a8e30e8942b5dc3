"""The facts about one service that the rules use, as one caller may see it. They come from the stored document at the
caller's level, so they contain nothing hidden from the caller."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from directory.ground.hsds.opening_hours import Season, Span, coming_week
from directory.ground.hsds.reachability import Hours, Way, ways_of
from directory.pathways.definition.profile import Sex


@dataclass(frozen=True, slots=True)
class ReferralWay:
    """The way to refer, as codes of codelists/referral_attributes. The texts come from the service itself."""

    method: str | None = None
    response_delay: str | None = None
    next_step: str | None = None
    feedback_mechanism: str | None = None
    focal_role: str | None = None
    hours: str | None = None
    intermediary: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service as the rules see it. An empty set means "everyone" or "anywhere not stated", as in HSDS.

    `area` is the most exact P-code of the site that the caller may see. `areas` contains the P-codes that the service
    serves or where it has sites. `point` is (latitude, longitude). `remote` services need no journey; `modes` are codes
    of `intake_mode`; `mobile` teams visit the person. `open_minutes` contains half-open spans of the week (Monday 00:00
    is 0) that apply every week. `seasons` contains spans that apply only on some dates. `hours_unread` means that the
    service has further hours that the directory cannot parse.
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
    modes: frozenset[str] = frozenset()
    open_minutes: tuple[tuple[int, int], ...] = ()
    seasons: tuple[Season, ...] = ()
    hours_unread: bool = False
    verified_on: date | None = None
    valid_until: date | None = None
    endorsed_by: frozenset[str] = frozenset()
    provider_level: str | None = None
    referral: ReferralWay = field(default_factory=ReferralWay)

    def open_in(self, today: date) -> Sequence[Span]:
        return (
            coming_week(self.open_minutes, self.seasons, today)
            if self.seasons
            else self.open_minutes
        )

    def hours_in(self, today: date) -> Hours:
        """Return the hours of the coming week, and whether the service states any."""
        told = bool(self.open_minutes or self.seasons)
        return Hours(self.open_in(today), told, self.hours_unread)

    @property
    def ways(self) -> tuple[Way, ...]:
        return ways_of(self.modes, self.referral.method)

    @property
    def mobile(self) -> bool:
        return "outreach" in self.modes

    def admits(self, sex: Sex) -> bool:
        """Return whether the service is open to people of that sex."""
        return not self.sexes or sex.value in self.sexes
