"""The drill's mail relay, SMS gateway and push service. They hang, respond slowly, greylist, refuse and lie. They
record by id which messages they accepted, and whether the sender could know that."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from common import clock

ROADS = ("email", "sms", "push")
MOODS = {
    "email": ("well", "hangs", "slow", "greylists", "refuses", "lies"),
    "sms": ("well", "hangs", "slow", "refuses", "lies"),
    "push": ("well", "hangs", "slow", "refuses"),
}
DEAD = ("hangs", "refuses")
MOMENTS = ("came", "taken", "answered")
"""When the worker of a message is killed: before it was taken, before the answer, before it stored the answer."""
_UNSETTLED = timedelta(seconds=15)
"""How long before its worker was killed an answer came that the worker may not have stored."""


@dataclass
class Taken:
    """An accepted message. `clear` means that the response was sent. `worker` is the number of the process."""

    road: str
    address: str
    name: str
    at: datetime
    worker: int
    clear: bool = False


class Outside:
    """The outside servers. With `checks`, the gateway sends each message id only once. `kill` ends a worker by its
    number."""

    def __init__(self, dice: random.Random, kill: Callable[[int], None], *, checks: bool) -> None:
        self.checks = checks
        self.taken: list[Taken] = []
        self.asked = 0
        self.killed: dict[int, datetime] = {}
        self.armed: str | None = None
        self._moods = dict.fromkeys(ROADS, "well")
        self._changed = {road: asyncio.Event() for road in ROADS}
        self._greylisted: set[str] = set()
        self._dice, self._kill = dice, kill
        self._servers: list[asyncio.Server] = []
        self.http = ""

    def set(self, moods: dict[str, str]) -> None:
        for road, mood in moods.items():
            if self._moods[road] != mood:
                self._moods[road] = mood
                self._changed[road].set()
                self._changed[road] = asyncio.Event()

    def end(self, worker: int) -> None:
        self.killed.setdefault(worker, clock.now())
        self._kill(worker)

    def unclear(self, taken: Taken) -> bool:
        """Return whether the worker may not know, or may not have stored, that the server accepted the message. An
        example is a worker killed while its data was still in transit."""
        killed = self.killed.get(taken.worker)
        return not taken.clear or (killed is not None and killed - taken.at <= _UNSETTLED)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        app = web.Application()
        app.router.add_post("/{worker}/sms", self._short_message)
        app.router.add_post("/push/{name}", self._push)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.http = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            self.set(dict.fromkeys(ROADS, "well"))
            for server in self._servers:
                server.close()
            await runner.cleanup()

    async def relay(self, worker: int) -> int:
        """Return the port of a relay for this worker only."""
        protocol = partial(SMTP, _Relay(self, worker), hostname="localhost")
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def meet(self, road: str, name: str, worker: int) -> str:
        """Choose a message's fate: accepted, refused, silence (not accepted, no response) or lost (accepted, no
        response)."""
        self.asked += 1
        self._at(worker, "came")
        mood = self._moods[road]
        if mood == "hangs":
            await self._changed[road].wait()
            return self._dice.choice(("silence", "lost"))
        if mood == "slow":
            await asyncio.sleep(self._dice.uniform(0.5, 3))
        if mood == "greylists" and name not in self._greylisted:
            self._greylisted.add(name)
            return "no"
        if mood == "refuses":
            return "no"
        if mood == "lies":
            return self._dice.choice(("no", "lost"))
        return "taken"

    def take(self, road: str, address: str, name: str, worker: int) -> Taken:
        taken = Taken(road, address, name, clock.now(), worker)
        self.taken.append(taken)
        self._at(worker, "taken")
        return taken

    def _at(self, worker: int, moment: str) -> None:
        if self.armed == moment and worker >= 0:
            self.armed = None
            self.end(worker)

    def answered(self, taken: Taken) -> None:
        taken.clear = True
        if self.armed == "answered" and taken.worker >= 0:
            self.armed = None
            # The response is in transit, and the worker may or may not read it before it dies.
            asyncio.get_running_loop().call_later(
                self._dice.uniform(0, 0.02), self.end, taken.worker
            )

    async def _short_message(self, request: web.Request) -> web.Response:
        worker = int(request.match_info["worker"])
        sent = await request.json()
        name = request.headers["idempotency-key"]
        assert name == sent["id"]
        became = await self.meet("sms", name, worker)
        if became == "no":
            return self._dice.choice(
                (
                    web.json_response({"status": "error", "reason": "no credit"}),
                    web.Response(status=503),
                    web.Response(status=429, headers={"Retry-After": "3600"}),
                )
            )
        taken = None
        known = self.checks and any(t.name == name for t in self.taken)
        if became != "silence" and not known:
            taken = self.take("sms", sent["to"], name, worker)
        if became in {"silence", "lost"} and request.transport is not None:
            request.transport.abort()
        elif taken is not None:
            self.answered(taken)
        return web.json_response({"status": "queued"})

    async def _push(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        became = await self.meet("push", name, -1)
        if became == "no":
            return web.Response(status=self._dice.choice((429, 503)))
        if became != "silence":
            taken = self.take("push", f"{self.http}/push/{name}", str(len(self.taken)), -1)
            taken.clear = became == "taken"
        if became in {"silence", "lost"} and request.transport is not None:
            request.transport.abort()
        return web.Response(status=201)


class _Relay:
    def __init__(self, outside: Outside, worker: int) -> None:
        self._outside, self._worker = outside, worker

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        became = await self._outside.meet("email", name, self._worker)
        if became == "no":
            return "451 4.7.1 try later"
        if became == "silence":
            _cut(server)
            return "451 4.3.0"
        taken = self._outside.take("email", envelope.rcpt_tos[0], name, self._worker)
        if became == "lost":
            _cut(server)
        else:
            self._outside.answered(taken)
        return "250 OK"


def _cut(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


def described(http: str, worker: int, *, checks: bool) -> str:
    """Return the gateway configuration file of one worker."""
    return json.dumps(
        {
            "kind": "template",
            "url": f"{http}/{worker}/sms",
            "content_type": "application/json",
            "body": '{"to": "{number}", "text": "{text}", "id": "{id}"}',
            "accepted": {"path": "status", "values": ["queued"]},
            "once_per_id": checks,
        }
    )
