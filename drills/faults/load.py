"""The mixed load: several organisations refer, respond, withdraw, hand over and import at once."""

import asyncio
import contextlib
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice

from drills.faults.batches import Asked, Referral, Service, Writer, is_open
from drills.faults.client import Sender
from drills.faults.directory_load import DirectoryLoad
from drills.faults.history import History

ORGANISATIONS = {
    "ngo-refugio": "0190a000-0000-7000-8000-000000000001",
    "ngo-salud": "0190a000-0000-7000-8000-000000000002",
    "ngo-legal": "0190a000-0000-7000-8000-000000000003",
}
_BATCH = 24
_AT_ONCE = 20
_KEPT = 4000


class Load:
    """Runs until its context ends; `label` marks the commands sent from now on."""

    def __init__(
        self, sender: Sender, services: list[Service], seed: int, *, workers: int = 2
    ) -> None:
        self.sender = sender
        self._services = services
        self._seed = seed
        self._workers = workers
        self._writers: list[Writer] = []
        self._inbox: dict[str, deque[Referral]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._own: dict[str, deque[Referral]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._transfers: deque[Referral] = deque(maxlen=200)
        self.directory: DirectoryLoad | None = None
        self._stop = asyncio.Event()
        self._label = "none"

    @property
    def label(self) -> str:
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        self._label = text
        for writer in self._writers:
            writer.label = text
        if self.directory is not None:
            self.directory.label = text

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = []
        for client in ORGANISATIONS:
            for number in range(self._workers):
                tasks.append(self._start(self._refer, client, f"r{number}"))
                tasks.append(self._start(self._receive, client, f"a{number}"))
            tasks.append(self._start(self._follow, client, "f"))
            tasks.append(self._start(self._one_by_one, client, "s"))
            tasks.append(self._start(self._at_once, client, "o"))
        tasks.append(self._start(self._hand_over, "ngo-refugio", "t"))
        if self.directory is not None:
            tasks.append(asyncio.create_task(self.directory.run(self._stop)))
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def resolve(self, history: History) -> None:
        """Repeat most commands without a response, as a client would; the outcome of the others stays unknown."""
        rng = random.Random(f"resolve {self._seed}")
        for batch in self.sender.given_up:
            if rng.random() < 0.7:
                await self.sender.run(batch, patience=60)
        self.sender.given_up.clear()

    def _start(
        self,
        work: Callable[[Writer, random.Random], "asyncio.Future[None] | object"],
        client: str,
        name: str,
    ) -> "asyncio.Task[None]":
        prefix = f"s{self._seed}-{client[4:7]}-{name}"
        rng = random.Random(prefix)
        writer = Writer(client, rng, prefix, self._services, self._label)
        self._writers.append(writer)
        return asyncio.create_task(work(writer, rng))  # type: ignore[arg-type]  # all are coroutines

    async def _refer(self, writer: Writer, rng: random.Random) -> None:
        while not self._stop.is_set():
            batch = [asked for _ in range(5) for asked in writer.story()]
            await self.sender.run(batch)
            for asked in batch:
                referral = asked.referral
                if asked.command.kind == "referral.send" and referral is not None and referral.id:
                    self._inbox[referral.recipient].append(referral)
                    self._own[referral.referrer].append(referral)

    async def _receive(self, writer: Writer, rng: random.Random) -> None:
        """Take referrals from the recipient's queue, and do some steps with each."""
        inbox = self._inbox[writer.client]
        while not self._stop.is_set():
            batch: list[Asked] = []
            taken = []
            while inbox and len(batch) < _BATCH:
                referral = inbox.popleft()
                taken.append(referral)
                batch += writer.work(referral, rng.randint(1, 5))
            if not batch:
                await asyncio.sleep(0.1)
                continue
            await self.sender.run(batch)
            inbox.extend(r for r in taken if is_open(r) and not r.ended)

    async def _follow(self, writer: Writer, rng: random.Random) -> None:
        """Answer questions, recall, record withdrawals and confirm, as the referrer."""
        own = self._own[writer.client]
        while not self._stop.is_set():
            batch = [
                asked
                for referral in list(islice(own, 60))
                if (asked := self._follow_one(writer, rng, referral)) is not None
            ]
            own.rotate(-60)
            if batch:
                await self.sender.run(batch[: _BATCH * 2])
            await asyncio.sleep(0.2)

    def _follow_one(self, writer: Writer, rng: random.Random, referral: Referral) -> Asked | None:
        if referral.ended:
            return None
        if referral.state == "info_requested":
            return writer.step(referral, "answer-information")
        chance = rng.random()
        if referral.state in ("completed", "not_delivered"):
            referral.ended = (
                True  # Confirm only once, because a second confirmation changes nothing.
            )
            return writer.step(referral, "confirm") if chance < 0.5 else None
        if not is_open(referral) or chance > 0.06:
            return None
        referral.ended = True
        if chance < 0.02 and referral.grant:
            return writer.withdrawal(referral)
        if chance < 0.03:
            return writer.step(referral, "withdraw")
        return writer.step(referral, "recall" if chance < 0.05 else "enter-in-error")

    async def _one_by_one(self, writer: Writer, rng: random.Random) -> None:
        """Send commands that are not batched, each as its own request."""
        while not self._stop.is_set():
            case = writer.case()
            await self.sender.run([case])
            await self.sender.read_back(case)
            if self._inbox[writer.client]:
                referral = self._inbox[writer.client].popleft()
                for asked in writer.work(referral, 2):
                    await self.sender.run([asked])
                if is_open(referral) and not referral.ended:
                    self._inbox[writer.client].append(referral)

    async def _at_once(self, writer: Writer, rng: random.Random) -> None:
        """Sometimes send one command twenty times, as an impatient client does."""
        while not self._stop.is_set():
            case = writer.case()
            await self.sender.at_once(case, _AT_ONCE)
            await self.sender.read_back(case)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), rng.uniform(2, 5))

    async def _hand_over(self, writer: Writer, rng: random.Random) -> None:
        recipients = [client for client in ORGANISATIONS if client != writer.client]
        others = {
            client: Writer(client, rng, f"{writer.prefix}-{client[4:7]}", self._services)
            for client in recipients
        }
        self._writers += others.values()
        for other in others.values():
            other.label = self._label
        while not self._stop.is_set():
            to = rng.choice(recipients)
            offers = list(writer.transfer(to, ORGANISATIONS[to]))
            await self.sender.run(offers)
            transfer = offers[-1].referral
            if transfer is not None and transfer.id:
                verb = rng.choice(["accept", "decline", "recall"])
                decider = writer if verb == "recall" else others[to]
                await self.sender.run([decider.decide(transfer, verb)])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 0.5)
