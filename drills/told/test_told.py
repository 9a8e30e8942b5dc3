"""Each message is sent at most once, and an emergency at least once within its minutes, through any working channel.

`RUTA_TOLD` is the number of messages per seed, half of them simultaneous emergencies. `RUTA_TOLD_SEEDS` is the number
of seeds, and `RUTA_TOLD_SEED` selects one seed.
"""

import asyncio
import logging
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from common import clock
from common.crypto import key_from_base64
from common.db.session import Database
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.settings import Settings
from referrals.telling.channels.sealed_addresses import Sealing

from drills.told.outside import DEAD, MOMENTS, MOODS, ROADS, Outside
from drills.told.replicas import Replicas
from drills.told.world import PER_SERVICE, Matter, People
from tests.services.referrals.story import Story
from tests.support.databases import MigratedDatabases

pytestmark = pytest.mark.slow
MESSAGES = int(os.environ.get("RUTA_TOLD", "100"))
SEEDS = range(1, int(os.environ.get("RUTA_TOLD_SEEDS", "20")) + 1)
ONLY = os.environ.get("RUTA_TOLD_SEED")
MINUTES = timedelta(minutes=5)
"""Half of the time after which the next on call is told."""
_log = logging.getLogger(__name__)
_PHASES, _PHASE_SECONDS = 8, (3.0, 8.0)
_CARACAS = ZoneInfo("America/Caracas")
_SETTLED_SECONDS = 300


@pytest.fixture(scope="module")
async def database(databases: MigratedDatabases) -> AsyncIterator[Database]:
    told = await databases.of("referrals", "referrals_told")
    opened = Database.at(told.app_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def used(database: Database, settings: Settings) -> Settings:
    url = database.engine.url.render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": SecretStr(url)})


@pytest.fixture(scope="module")
async def people(used: Settings, database: Database, case_keys: CaseKeys) -> AsyncIterator[People]:
    app = create_app(used, database=database, keys=case_keys)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://ruta") as http:
        made = People(Story(http, database), max(2, MESSAGES // PER_SERVICE))
        await made.settle()
        yield made


@pytest.fixture(scope="module")
def push_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("push") / "push.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


class Run:
    """One seed: its servers, its two workers and its clock."""

    def __init__(
        self, seed: int, people: People, database: Database, used: Settings, folder: Path, key: Path
    ) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a drill, repeatable by its seed
        self.seed, self.people, self.database = seed, people, database
        self._clock = folder / "clock"
        self.replicas = Replicas(used, folder, self._clock, key)
        self.outside = Outside(self.dice, self.replicas.kill, checks=bool(seed % 2))
        self.sealing = Sealing(key_from_base64(used.stored_result_key.get_secret_value()))
        self.happened: dict[UUID, datetime] = {}
        # One channel stays dead until everybody has been notified, and nothing may wait for it.
        self.dead = self.dice.choice((None, *ROADS))

    def shift(self, by: timedelta) -> None:
        """Shift the clock of the workers and of this process. They read the same file, so write it atomically."""
        written = self._clock.with_suffix(".new")
        written.write_text(str(by.total_seconds()))
        written.replace(self._clock)

    async def play(self) -> None:
        began = datetime.now(UTC)
        # A minute before midnight in Caracas, so that quiet hours begin while messages are in transit.
        midnight = datetime.combine(began.astimezone(_CARACAS), time(23, 59), _CARACAS)
        shift = midnight - began
        self.shift(shift)
        clock.follow(self._clock)
        try:
            async with self.outside.open():
                await self.people.begin(self.sealing, self.outside.http, self.seed)
                await self.replicas.start(self.outside)
                await self._fail()
                await self._until_urgent_are_told()
                self.outside.set(dict.fromkeys(ROADS, "well"))
                for later in (timedelta(minutes=40), timedelta(hours=8), timedelta(hours=16)):
                    # A clock jump would end the lease of a message in progress.
                    await self.replicas.stop()
                    self.shift(shift + later)
                    await self.replicas.start(self.outside)
                    await self._until_settled(last=later == timedelta(hours=16))
        finally:
            self.replicas.end()
            clock.follow(None)

    async def _fail(self) -> None:
        routine = [each for each in self.people.matters if not each.emergency]
        urgent = [each for each in self.people.matters if each.emergency]
        self.dice.shuffle(routine)
        share = -(-len(routine) // _PHASES)
        at_once = self.dice.randrange(1, _PHASES - 1)
        for phase in range(_PHASES):
            moods = {road: self.dice.choice(MOODS[road]) for road in ROADS}
            if self.dead:
                moods[self.dead] = self.dice.choice(DEAD)
            self.outside.set(moods)
            await self._happen(routine[phase * share : (phase + 1) * share])
            if phase == at_once:
                await self._happen(urgent)
            self.outside.armed = self.dice.choice((None, *MOMENTS))
            seconds = self.dice.uniform(*_PHASE_SECONDS)
            await asyncio.sleep(seconds / 2)
            number = self.dice.choice(self.replicas.living() or [0])
            what = self.dice.choice(("kill", "stop", "nothing"))
            if what == "kill":
                self.outside.end(number)
            elif what == "stop":
                self.replicas.signal(number, signal.SIGSTOP)
            await asyncio.sleep(seconds / 2)
            self.replicas.signal(number, signal.SIGCONT)
            await self.replicas.start(self.outside)
        self.outside.armed = None
        self.outside.set({road: "well" for road in ROADS if road != self.dead})
        await self.replicas.start(self.outside)

    async def _happen(self, matters: list[Matter]) -> None:
        if matters:
            at = await self.people.happen(matters)
            self.happened |= {each.referral: at for each in matters}

    async def rows(self, statement: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.people.rows(statement)]

    async def _until_urgent_are_told(self) -> None:
        """Wait until each emergency has arrived through a working channel; the acceptance times count."""
        async with asyncio.timeout(MINUTES.total_seconds() + 60):
            while self.late(clock.now()):
                await self.replicas.start(self.outside)
                await asyncio.sleep(1)

    async def _until_settled(self, *, last: bool) -> None:
        """Wait until nothing is due, or (with `last`) until no message is left."""
        due = "" if last else f" AND next_attempt_at <= '{clock.now().isoformat()}'"
        async with asyncio.timeout(_SETTLED_SECONDS):
            while await self.rows(  # noqa: ASYNC110 - the record sets no event
                f"SELECT 1 FROM pings WHERE settled_at IS NULL{due}"
            ):
                await asyncio.sleep(0.5)

    # -- what was sent -----------------------------------------------------------------------

    def late(self, until: datetime) -> list[str]:
        """Return the people who were not notified of an emergency within its minutes, or by then."""
        by_address: dict[str, list[datetime]] = defaultdict(list)
        for each in self.outside.taken:
            by_address[each.address].append(each.at)
        found = []
        for matter in self.people.matters:
            if not matter.emergency or matter.referral not in self.happened:
                continue
            at = self.happened[matter.referral]
            last = min(until, at + MINUTES)
            for person in self.people.of(matter.service):
                heard = [t for a in person.addresses.values() for t in by_address[a]]
                if not any(at <= t <= last for t in heard):
                    found.append(f"{person.name}: {sorted(heard)}")
        return found

    def slowest(self) -> timedelta:
        """Return the longest time from an emergency to its first message."""
        longest = timedelta(0)
        for matter in self.people.matters:
            if matter.emergency:
                at = self.happened[matter.referral]
                for person in self.people.of(matter.service):
                    heard = [
                        t.at - at
                        for t in self.outside.taken
                        if t.address in person.addresses.values() and t.at >= at
                    ]
                    longest = max(longest, min(heard))
        return longest

    async def twice(self) -> list[str]:
        """Return messages accepted twice although the first response was clear, or without a reason for a second
        one."""
        urgent = await self._urgent()
        taken = defaultdict(list)
        for each in self.outside.taken:
            if each.road != "push":
                taken[each.road, each.name].append(each)
        found = []
        for (road, name), times in taken.items():
            for first in times[:-1]:
                if not self.outside.unclear(first):
                    when = [f"{each.at:%T.%f} by {each.worker}" for each in times]
                    kills = [f"{n} at {at:%T.%f}" for n, at in self.outside.killed.items()]
                    found.append(f"{road} {name}: taken again after a clear answer {when} {kills}")
                elif road == "sms" and name not in urgent:
                    found.append(f"{road} {name}: a routine message was sent again")
        return found

    async def strangers(self) -> list[str]:
        """Return ids that belong to no message on their channel, and channels with more messages than notices."""
        rows = await self.rows("SELECT id, channel_id FROM pings")
        channel = {str(row[0]): row[1] for row in rows}
        owed = Counter(row[1] for row in rows)
        told: dict[object, set[str]] = defaultdict(set)
        found = []
        for each in self.outside.taken:
            if each.road == "push":
                continue
            if each.name not in channel:
                found.append(f"{each.road} {each.name}: nobody's")
            else:
                told[channel[each.name]].add(each.name)
        return found + [f"{one}: {names}" for one, names in told.items() if len(names) > owed[one]]

    async def _urgent(self) -> set[str]:
        """Return the ids of messages about an emergency."""
        rows = await self.rows("SELECT id, message_id FROM pings WHERE emergency")
        return {str(name) for row in rows for name in row}

    async def woken(self) -> list[str]:
        """Return routine messages sent during their recipient's quiet hours."""
        urgent = await self._urgent()
        quiet = {
            a for person in self.people.people if person.quiet for a in person.addresses.values()
        }
        return [
            f"{each.road} {each.name} at {each.at.astimezone(_CARACAS)}"
            for each in self.outside.taken
            if each.address in quiet
            and each.road != "push"
            and each.name not in urgent
            # An attempt that began before midnight ends within its limit.
            and time(0, 1) <= each.at.astimezone(_CARACAS).time() < time(6)
        ]

    async def outcomes(self) -> Counter[tuple[object, ...]]:
        return Counter(await self.rows("SELECT status, emergency FROM pings"))


@pytest.mark.parametrize("seed", [int(ONLY)] if ONLY else SEEDS)
async def test_each_is_told_once_and_an_emergency_in_time(
    seed: int,
    people: People,
    database: Database,
    used: Settings,
    tmp_path: Path,
    push_key: Path,
) -> None:
    run = Run(seed, people, database, used, tmp_path, push_key)
    await run.play()
    outcomes = await run.outcomes()
    assert run.late(clock.now() + timedelta(days=2)) == []
    assert await run.twice() == []
    assert await run.strangers() == []
    assert await run.woken() == []
    assert sum(outcomes.values()) == people.count * PER_SERVICE
    assert {status for status, _ in outcomes} <= {"told", "unclear"}
    assert not run.outside.checks or {status for status, _ in outcomes} == {"told"}
    _log.info(
        "seed %s: %s, slowest %s, dead road %s, %s asked, %s kills",
        *(
            seed,
            dict(outcomes),
            run.slowest(),
            run.dead,
            run.outside.asked,
            len(run.outside.killed),
        ),
    )
