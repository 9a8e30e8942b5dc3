"""Events as the other services send them: a factory for each kind, and whole stories."""

import random
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common.db.session import Database
from common.events import referrals as kinds
from common.events.base import Event
from common.events.codes import ReportingAttributes
from common.events.envelope import Envelope
from common.ids import new_id
from reporting.recording.service import Recorder

from tests.support.principals import organisation

Arrived = tuple[Event, Envelope]
"""An event with the whole envelope that it came in."""
REFUGIO, SALUD, LEGAL = organisation(1), organisation(2), organisation(3)
NOON = datetime(2026, 10, 7, 12, tzinfo=UTC)

STATE_EVENTS: dict[str, type[kinds.ReferralData]] = {
    kind.SUBJECT.split(".")[3]: kind for kind in kinds.ReferralData.__subclasses__()
}


def enveloped(event: Event, aggregate: UUID, at: datetime) -> Arrived:
    """Return the event as it arrives, with its own id."""
    envelope = Envelope(
        id=new_id(),
        source=f"/ruta/{event.producer()}",
        type=event.SUBJECT,
        subject=str(aggregate),
        time=at,
        data=event.model_dump(mode="json", exclude_none=True),
    )
    return event, envelope


@dataclass
class Journey:
    """One person's referral. `events(("sent", 0), ("accepted", 5))` returns its states, with the hour of each."""

    case_id: UUID = field(default_factory=new_id)
    referral_id: UUID = field(default_factory=new_id)
    service_id: UUID = field(default_factory=new_id)
    start: datetime = NOON
    sender: UUID = REFUGIO
    recipient: UUID = SALUD
    category: str = "GBV-PSS"
    aor: str = "GBV"
    area: str | None = "VE23"
    attributes: ReportingAttributes | None = field(
        default_factory=lambda: ReportingAttributes(sex="female", age_band="18-59")
    )

    def state(self, reached: str, version: int, hours: float = 0, **changes: Any) -> Arrived:
        at = self.start + timedelta(hours=hours)
        facts: dict[str, Any] = {
            "version": version,
            "referral_id": self.referral_id,
            "case_id": self.case_id,
            "state": reached,
            "from_organisation": self.sender,
            "to_organisation": self.recipient,
            "service_id": self.service_id,
            "category": self.category,
            "aor": self.aor,
            "area": self.area,
            "urgency": "routine",
            "occurred_at": at,
            "attributes": self.attributes,
        }
        return enveloped(STATE_EVENTS[reached](**(facts | changes)), self.referral_id, at)

    def confirmed(self, version: int, hours: float, by: str = "person") -> Arrived:
        return self.state("confirmed", version, hours, state="completed", confirmed_by=by)

    def events(self, *steps: tuple[str, float]) -> list[Arrived]:
        return [
            self.state(state, version, hours)
            for version, (state, hours) in enumerate(steps, start=1)
        ]


DELIVERED = (
    ("sent", 0),
    ("acknowledged", 2),
    ("accepted", 10),
    ("in_service", 30),
    ("completed", 50),
)
DECLINED = (("sent", 0), ("acknowledged", 1), ("declined", 3))


async def record(database: Database, recorder: Recorder, events: Sequence[Arrived]) -> None:
    """Record each event in its own transaction, as the consumer does."""
    for event, envelope in events:
        async with database.transaction() as session:
            await recorder.record(session, [(event, envelope)], seen=frozenset())


async def record_together(
    database: Database,
    recorder: Recorder,
    events: Sequence[Arrived],
    seen: AbstractSet[UUID] = frozenset(),
) -> None:
    """Record all events in one batch, as a rebuild does; `seen` contains those already recorded."""
    async with database.transaction() as session:
        await recorder.record(session, events, seen=seen)


def caseload(persons: int, seed: int, start: datetime = NOON) -> Iterator[Arrived]:
    """Yield random but repeatable referrals of `persons` persons around `start`."""
    chance = random.Random(seed)  # noqa: S311 - test data, no secret
    endings: tuple[tuple[tuple[str, float], ...], ...] = (
        DELIVERED,
        DECLINED,
        DELIVERED[:3],
        DELIVERED[:1],
        (("sent", 0), ("expired", 60)),
    )
    for _ in range(persons):
        journey = Journey(
            case_id=UUID(int=chance.getrandbits(128)),
            referral_id=UUID(int=chance.getrandbits(128)),
            start=start + timedelta(hours=chance.randint(0, 96)),
            sender=chance.choice((REFUGIO, LEGAL)),
            area=chance.choice(("VE23", "VE20", "VE06", "VE01")),
            category=chance.choice(("GBV-PSS", "CP-CM", "TIP-ID")),
            aor=chance.choice(("GBV", "CP", "TIP")),
            attributes=ReportingAttributes(
                sex=chance.choice(("female", "male")),
                age_band=chance.choice(("0-11", "12-17", "18-59", "60+")),
            ),
        )
        yield from journey.events(*chance.choice(endings))
