"""The directory's share of the load: capacity changes and imported files."""

import asyncio
import contextlib
import csv
import io
import random
import time
from typing import Any

import aiohttp
import orjson

from drills.faults.batches import Service
from drills.faults.client import Tokens
from drills.faults.history import Command, History, Outcome

_STATES = ("accepting", "waitlist")
_PAUSE_SECONDS = 0.7
_PATIENCE_SECONDS = 25.0


class DirectoryLoad:
    """Changes the capacity of its own services and imports small files. Each request keeps its own key until it gets a
    response."""

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        history: History,
        services: list[Service],
        template: bytes,
        seed: int,
    ) -> None:
        self._url, self._tokens, self._history = url, tokens, history
        self._services = services
        self._rows = list(csv.DictReader(io.StringIO(template.decode())))
        self._seed = seed
        self._rng = random.Random(f"directory {seed}")
        self.label = "none"
        self._made = 0

    async def run(self, stop: asyncio.Event) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            while not stop.is_set():
                if self._rng.random() < 0.8:
                    await self._capacity(session)
                else:
                    await self._import(session)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)

    def _command(self, client: str, kind: str, target: str) -> Command:
        self._made += 1
        command = Command(f"s{self._seed}-dir-{self._made}", client, kind, self.label, target)
        self._history.commands.append(command)
        return command

    async def _capacity(self, session: aiohttp.ClientSession) -> None:
        service = self._rng.choice(self._services)
        command = self._command(service.client, "service.capacity", service.id)
        body = orjson.dumps({"state": self._rng.choice(_STATES), "available": self._made})
        path = f"/directory/v1/services/{service.id}/capacity"
        answer = await self._until_answered(session, command, "PUT", path, body, "application/json")
        if answer is not None:
            command.made, command.version = service.id, answer["version"]

    async def _import(self, session: aiohttp.ClientSession) -> None:
        """Import a file with one new service that has its own external id."""
        external = f"S{self._seed}-{self._made}"
        command = self._command("im-officer", "service.import", external)
        row = {**self._rng.choice(self._rows), "external_id": external, "visibility": "partners"}
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, fieldnames=list(row))
        writer.writeheader()
        writer.writerow(row | {"name": f"Servicio {external}", "name_en": f"Service {external}"})
        path = f"/directory/v1/imports?mode=all&source=faults&file_name={external}.csv"
        answer = await self._until_answered(
            session, command, "POST", path, out.getvalue().encode(), "text/csv"
        )
        if answer is not None:
            command.made, command.version = external, 1

    async def _until_answered(
        self,
        session: aiohttp.ClientSession,
        command: Command,
        method: str,
        path: str,
        body: bytes,
        media_type: str,
    ) -> Any:
        began = time.monotonic()
        while time.monotonic() - began < _PATIENCE_SECONDS:
            command.attempts += 1
            try:
                headers = {
                    "Authorization": f"Bearer {await self._tokens.of(command.client)}",
                    "Idempotency-Key": command.key,
                    "Content-Type": media_type,
                }
                async with session.request(
                    method, self._url + path, data=body, headers=headers
                ) as answer:
                    content = await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.3)
                continue
            if answer.status < 300:
                command.outcome = Outcome.ACKNOWLEDGED
                return orjson.loads(content)
            if answer.status in (401, 409, 429) or answer.status >= 500:
                if answer.status >= 500 and answer.status not in (503, 504):
                    self._history.wrong_answers.append(f"HTTP {answer.status} {path[:40]}")
                self._tokens.forget(command.client)
                await asyncio.sleep(0.3)
                continue
            command.outcome = Outcome.REFUSED
            return None
        return None
