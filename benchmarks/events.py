"""From a commit in referrals to its effect in reporting.
The event passes the relay and JetStream.

    python benchmarks/events.py [--rounds 60]

ratio = median time from the answered command to the committed effect in reporting / median time of the necessary
minimum, measured in the same run: two commits and one acknowledged publish. Floor: at most 3. Both are measured in turn
after the same pause, as real events arrive, because idle processes respond later. The yardstick without a pause is
printed too.

It also measures the time from an answered emergency command until the relay receives its e-mail, and the time that a
relay alone needs for an e-mail. Most of the time is waiting, because notices and channels are each polled twice a
second.
"""

import argparse
import asyncio
import http.client
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
# A file next to this one has a package's name, so search for packages only in the environment.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

import asyncpg  # noqa: E402 - after the path
import nats  # noqa: E402 - after the path
from common.ids import new_id  # noqa: E402 - after the path
from common.messages.delivery import Message  # noqa: E402 - after the path
from common.messages.mail import Mail, Relay  # noqa: E402 - after the path
from referrals.ground.keys.store import create_tables  # noqa: E402 - after the path
from stack.embedded.nats import NatsServer, stored_credentials  # noqa: E402 - after the path
from stack.embedded.ports import free_port  # noqa: E402 - after the path
from stack.embedded.postgres import PostgresServer, ServiceDatabase  # noqa: E402 - after the path

from tests.support.alone import process  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases, random_key  # noqa: E402 - after the path
from tests.support.principals import (  # noqa: E402 - after the path
    bearer,
    keyed,
    organisation,
    write_internal_jwks,
)


def plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


class Stack:
    """Both services as processes on durable stores."""

    def __init__(self, folder: Path, server: PostgresServer, broker: NatsServer) -> None:
        self.folder, self.server, self.broker = folder, server, broker
        self.port = free_port()
        self.smtp_port, self.mailbox_port = free_port(), free_port()
        self.service_id = new_id()

    async def prepare(self) -> None:
        made = MigratedDatabases(self.server)
        self.referrals = await made.of("referrals", "referrals")
        self.reporting = await made.of("reporting", "reporting")
        self.keys = self.server.create_service_database("referral_keys")
        await create_tables(self.keys.owner_url, self.keys.app_role)
        owner = await asyncpg.connect(plain(self.referrals.owner_url))
        await owner.execute(
            "INSERT INTO directory_services VALUES ($1, $2, 1, '{HLT}', '{}', '{VE23}',"
            " 'partners', null, null, true, false, null, null, null, '{}', now())",
            self.service_id,
            organisation(2),
        )
        await owner.close()

    def start(self, stack: ExitStack) -> None:
        ring = self.folder / "kek.json"
        ring.write_text(json.dumps({"active": "k1", "keys": {"k1": random_key()}}))
        reporting_port = free_port()
        stack.enter_context(
            process(
                [sys.executable, "-m", "stack.embedded.mailbox", str(self.smtp_port)],
                {"RUTA_PORT": str(self.mailbox_port)},
                self.mailbox_port,
            )
        )
        stack.enter_context(
            process(
                [sys.executable, "-m", "referrals", "api"],
                {
                    **self._common("referrals", self.referrals, self.port),
                    "RUTA_RUN_WORKER": "true",
                    "RUTA_KEY_STORE_URL": self.keys.app_url,
                    "RUTA_KEY_ENCRYPTION_KEYS_FILE": str(ring),
                    "RUTA_BLIND_INDEX_KEY": random_key(),
                    "RUTA_SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}",
                    "RUTA_MAIL_SENDER": SENDER,
                },
                self.port,
            )
        )
        stack.enter_context(
            process(
                [sys.executable, "-m", "reporting", "worker"],
                {
                    **self._common("reporting", self.reporting, reporting_port),
                    "RUTA_ROUNDING_KEY": random_key(),
                    "RUTA_PSEUDONYM_KEY": random_key(),
                },
                reporting_port,
            )
        )

    def _common(self, name: str, database: ServiceDatabase, port: int) -> dict[str, str]:
        return {
            "RUTA_ENVIRONMENT": "embedded", "RUTA_HOST": "127.0.0.1", "RUTA_PORT": str(port),
            "RUTA_DATABASE_URL": database.app_url, "RUTA_DATABASE_ROLE": database.app_role,
            "RUTA_NATS_URL": self.broker.url, "RUTA_NATS_PASSWORD": self.broker.credentials[name],
            "RUTA_STORED_RESULT_KEY": random_key(), "RUTA_LOG_LEVEL": "WARNING",
            "RUTA_INTERNAL_JWKS_FILE": str(write_internal_jwks(self.folder / "jwks.json")),
        }  # fmt: skip


class Client:
    """One connection of a referring organisation; every call except `answer` checks its status."""

    def __init__(self, port: int, name: str = "ngo-refugio") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = bearer(name, audience="ruta-referrals")

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        headers = {**keyed(self._headers), "Content-Type": "application/json"}
        self._connection.request("POST", f"/referrals/v1{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        status, content = self.answer(path, body)
        assert status in (200, 201), content
        made: dict[str, Any] = json.loads(content)
        return made

    def draft(self, service_id: UUID) -> str:
        """Return a new draft in a new case, which sends no notice yet."""
        case = self.post("/cases", {"area": "VE2313"})
        body = {"case_id": case["id"], "service_id": str(service_id), "category": "HLT"}
        return str(self.post("/referrals", body)["id"])

    def emergency(self, service_id: UUID) -> tuple[str, dict[str, str]]:
        """Return the path and the body for sending an emergency draft."""
        case = self.post("/cases", {"area": "VE2313", "identity": {"name": "A."}})["id"]
        about = {"case_id": case, "service_id": str(service_id)}
        grant = self.post(
            "/consents", {**about, "purpose": "HLT", "items": ["name"], "method": "verbal"}
        )
        draft = self.post(
            "/referrals",
            {
                **about,
                "category": "HLT",
                "urgency": "emergency",
                "from_case": ["name"],
                "safe_contact": {"rule": "person_comes"},
            },
        )
        return f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}


class Caught:
    """The relay's mailbox."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def mails(self) -> list[dict[str, str]]:
        """Return the e-mails, newest first."""
        self._connection.request("GET", "/messages")
        found: list[dict[str, str]] = json.loads(self._connection.getresponse().read())
        return found

    def more_than(self, count: int, seconds: float = 30) -> dict[str, str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.mails()
            if len(found) > count:
                return found[0]
            time.sleep(0.002)
        raise TimeoutError("no mail came")


SENDER, LISTENER = "ruta@example.org", "guardia@example.org"


def confirm(recipient: Client, channel_id: str, code: str, seconds: float = 30) -> None:
    """Confirm the code; the e-mail arrives a moment before the database records that it was sent."""
    deadline = time.monotonic() + seconds
    while recipient.answer(f"/channels/{channel_id}/confirm", {"code": code})[0] == 409:
        if time.monotonic() > deadline:
            raise TimeoutError("the code is not taken")
        time.sleep(0.05)


async def hand_over(stack: Stack, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds from a sent emergency to its e-mail, and those of an e-mail to the same relay alone."""
    caught, recipient = Caught(stack.mailbox_port), Client(stack.port, "ngo-salud")
    channel = await asyncio.to_thread(
        recipient.post, "/channels", {"kind": "email", "address": LISTENER}
    )
    said = await asyncio.to_thread(caught.more_than, 0)
    code = "".join(c for c in said["text"].partition("confirma")[0] if c.isdigit())
    await asyncio.to_thread(confirm, recipient, channel["id"], code)
    sender, relay = (
        Client(stack.port),
        Mail(Relay.at(f"smtp://127.0.0.1:{stack.smtp_port}"), SENDER),
    )
    ours, alone = [], []
    for number in range(rounds):
        path, body = await asyncio.to_thread(sender.emergency, stack.service_id)
        count = len(await asyncio.to_thread(caught.mails))
        await asyncio.to_thread(sender.post, path, body)
        start = time.perf_counter()
        await asyncio.to_thread(caught.more_than, count)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        await relay.hand_over(LISTENER, Message("Ruta", "x"), str(number))
        alone.append(time.perf_counter() - start)
    return ours, alone


async def effect(reader: Any, referral_id: str, seconds: float) -> None:
    """Wait until reporting has committed the effect of the referral's only event."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await reader.fetchval(
            "SELECT 1 FROM projection.referral_steps WHERE referral_id = $1::text::uuid",
            referral_id,
        ):
            return
        # Nothing else runs in this loop, and asyncio would round up to a millisecond, which is half a commit.
        time.sleep(0.0002)  # noqa: ASYNC251 - as above
    raise TimeoutError("no effect in reporting")


PAUSE_SECONDS = 0.1
_WARM_UP = 5


class Loop:
    """A client of referrals, with a reader of reporting's commits."""

    def __init__(self, stack: Stack, reader: Any) -> None:
        self._stack, self._reader = stack, reader
        self._client = Client(stack.port)

    async def seconds(self, patience: float = 12) -> float:
        """Return the seconds from the acknowledged command to its effect."""
        referral_id = await asyncio.to_thread(self._client.draft, self._stack.service_id)
        await asyncio.sleep(PAUSE_SECONDS)  # By then the case's own event has passed.
        recall = f"/referrals/{referral_id}/recall"
        await asyncio.to_thread(self._client.post, recall, {"reason": "mistake"})
        start = time.perf_counter()
        await effect(self._reader, referral_id, patience)
        return time.perf_counter() - start


@dataclass(frozen=True)
class Raw:
    """The yardstick: one commit, one acknowledged publish, one commit."""

    one: Any
    other: Any
    stream: Any

    async def seconds(self) -> float:
        start = time.perf_counter()
        await self.one.execute("INSERT INTO yardstick (body) VALUES ($1)", "x" * 400)
        await self.stream.publish("ruta.referrals.yardstick.made.v1", b"x" * 600)
        await self.other.execute("INSERT INTO yardstick (body) VALUES ($1)", "x" * 400)
        return time.perf_counter() - start


async def compare(stack: Stack, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Return our seconds and the yardstick's, measured in turn, and the yardstick's without a pause."""
    one = await asyncpg.connect(plain(stack.referrals.owner_url))
    other = await asyncpg.connect(plain(stack.reporting.owner_url))
    client = await nats.connect(
        stack.broker.url,
        user="referrals",
        password=stack.broker.credentials["referrals"],
        inbox_prefix=b"_INBOX.referrals",
    )
    for connection in (one, other):
        await connection.execute("CREATE TABLE yardstick (id serial, body text)")
    reader = await asyncpg.connect(plain(stack.reporting.owner_url))
    loop, raw = Loop(stack, reader), Raw(one, other, client.jetstream())
    await loop.seconds(patience=60)  # Both workers have connected.
    ours, theirs = [], []
    for _ in range(_WARM_UP + rounds):
        ours.append(await loop.seconds())
        await asyncio.sleep(PAUSE_SECONDS)
        theirs.append(await raw.seconds())
    hot = [await raw.seconds() for _ in range(rounds)]
    await client.close()
    for connection in (one, other, reader):
        await connection.close()
    return ours[_WARM_UP:], theirs[_WARM_UP:], hot


async def measure(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as name:
        folder = Path(name)
        server = PostgresServer(folder / "postgres", durable=True)
        broker = NatsServer(
            folder / "nats", stored_credentials(folder / "credentials.json"), durable=True
        )
        server.start()
        broker.start()
        try:
            stack = Stack(folder, server, broker)
            await stack.prepare()
            with ExitStack() as running:
                stack.start(running)
                ours, yard, hot = map(statistics.median, await compare(stack, rounds))
                mail, alone = map(statistics.median, await hand_over(stack, min(rounds, 40)))
            print(f"commit → effect in reporting: {ours * 1000:.1f} ms (median of {rounds})")
            print(f"  two commits and one acknowledged publish: {yard * 1000:.1f} ms")
            print(f"  ratio {ours / yard:.2f} (goal 3 at most)")
            print(f"  the same without a pause: {hot * 1000:.1f} ms; ratio to it {ours / hot:.2f}")
            print(f"emergency → handed over to the relay: {mail * 1000:.0f} ms (median)")
            print(f"  a mail to the relay alone: {alone * 1000:.1f} ms")
        finally:
            broker.stop()
            server.stop(immediate=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    asyncio.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
