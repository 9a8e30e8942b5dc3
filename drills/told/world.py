"""The people to notify and the subjects: services with a team of two, each with a routine and an emergency referral."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from common.ids import new_id
from referrals.ground.people.models import KnownPerson
from referrals.ground.row_security import act_as_service
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.models import Channel
from referrals.telling.channels.sealed_addresses import Sealing
from sqlalchemy.dialects.postgresql import insert

from tests.services.referrals.story import SALUD, Story

_QUIET = (time(0), time(6))
PER_SERVICE = 10
"""Messages: two people, one with three channels and one with two, of two referrals."""


@dataclass(frozen=True)
class Matter:
    """A notice to send, as the service wrote it when its referral was sent."""

    service: int
    emergency: bool
    kind: str
    referral: UUID
    version: int


@dataclass(frozen=True)
class Person:
    name: str
    service: int
    quiet: bool
    addresses: dict[str, str]
    """By road."""


class People:
    """One run's people and subjects. `begin` gives each seed new channels on its servers."""

    def __init__(self, story: Story, services: int) -> None:
        self._story, self.count = story, services
        self.matters: list[Matter] = []
        self.people: list[Person] = []

    async def settle(self) -> None:
        case = await self._story.case()
        for number in range(self.count):
            service = await self._story.service()
            for client in ("a", "b"):
                await self._story.rows(
                    "INSERT INTO service_team VALUES (:s, :o, :c) RETURNING 1",
                    s=UUID(service),
                    o=SALUD,
                    c=f"guardia-{number}-{client}",
                )
            for urgency in ("urgent", "emergency"):
                sent = await self._story.sent(
                    case_id=case["id"], service_id=service, urgency=urgency
                )
                rows = await self._story.rows(
                    "SELECT kind, subject_id, version FROM notices"
                    " WHERE subject_id = :r AND organisation_id = :o",
                    r=UUID(sent["id"]),
                    o=SALUD,
                )
                assert len(rows) == 1
                self.matters.append(
                    Matter(number, urgency == "emergency", rows[0][0], rows[0][1], rows[0][2])
                )

        # Delete the timers, because nobody responds to these referrals. Each seed lasts hours, and the next one
        # starts in the evening again.
        await self._story.rows("DELETE FROM timers RETURNING 1")

    async def begin(self, sealing: Sealing, http: str, seed: int) -> None:
        for table in ("pings", "channels", "notices"):
            await self._story.rows(f"DELETE FROM {table} RETURNING 1")
        self.people = []
        rows = []
        for number in range(self.count):
            for client, roads in (("a", ("email", "sms", "push")), ("b", ("email", "sms"))):
                place = 2 * number + (client == "b")
                person = Person(
                    f"guardia-{number}-{client}",
                    number,
                    place % 3 == 0,
                    {
                        "email": f"guardia{place}@salud.example.org",
                        "sms": f"+58412{place:07}",
                        "push": f"{http}/push/{seed}-{place}",
                    },
                )
                self.people.append(person)
                rows += [self._channel(sealing, person, ChannelKind(road)) for road in roads]
        known = [
            {
                "subject": each.name,
                "organisation_id": SALUD,
                "roles": ["caseworker"],
                "scopes": ["referrals:read"],
                "aors": [],
                "areas": [],
            }
            for each in self.people
        ]
        async with self._story.database.transaction() as session:
            await act_as_service(session)
            await session.execute(insert(KnownPerson).on_conflict_do_nothing(), known)
            await session.execute(sa.insert(Channel), rows)

    def _channel(self, sealing: Sealing, person: Person, kind: ChannelKind) -> dict[str, object]:
        channel, address, now = new_id(), person.addresses[kind], clock.now()
        if kind is ChannelKind.PUSH:
            address = orjson.dumps({"endpoint": address, "keys": {}}).decode()
        return {
            "id": channel,
            "organisation_id": SALUD,
            "person": person.name,
            "supervisor": False,
            "kind": kind.value,
            "address": sealing.seal(channel, address),
            "address_digest": sealing.digest(kind, address),
            "shown": "…",
            "language": "es",
            "pace": "at_once",
            "wakes": True,
            "quiet_from": _QUIET[0] if person.quiet else None,
            "quiet_until": _QUIET[1] if person.quiet else None,
            "digest_at": time(8),
            "active": True,
            "confirmed_at": now,
            "code_wanted": False,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now - timedelta(minutes=1),
        }

    async def happen(self, matters: list[Matter]) -> datetime:
        """Write again, with the current time, the notices that the service wrote when the referrals were sent."""
        now = clock.now()
        async with self._story.database.transaction() as session:
            await act_as_service(session)
            await session.execute(
                sa.text(
                    "INSERT INTO notices (id, organisation_id, kind, subject_type, subject_id, version, at)"
                    " VALUES (:id, :o, :kind, 'referral', :r, :version, :at)"
                ),
                [
                    {
                        "id": new_id(),
                        "o": SALUD,
                        "kind": each.kind,
                        "r": each.referral,
                        "version": each.version,
                        "at": now,
                    }
                    for each in matters
                ],
            )
        return now

    def of(self, service: int) -> list[Person]:
        return self.people[2 * service : 2 * service + 2]

    async def rows(self, statement: str) -> list[Any]:
        return await self._story.rows(statement)
