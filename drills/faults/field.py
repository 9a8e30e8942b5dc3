"""What a fault needs: the stack, the load, a seeded random source and a list of findings."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp

from drills.faults.load import Load
from drills.faults.proxy import Proxy
from drills.faults.stack_under_test import StackUnderTest, until


class Setting(StrEnum):
    """The wiring for a fault: direct, through a proxy, or through PgBouncer."""

    STRAIGHT = "straight"
    PROXIED = "proxied"
    POOLED = "pooled"
    FINALE = "finale"  # Runs after the load, with the stack restarted or replaced.


@dataclass
class Field:
    stack: StackUnderTest
    load: Load
    rng: random.Random
    proxies: tuple[Proxy, ...] = ()
    """In the wiring that has them: before referrals' databases, and before those of the others."""
    unmet: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def proxy(self) -> Proxy:
        """Return the proxy in front of the referrals databases."""
        return self.proxies[0]

    def require(self, holds: object, otherwise: str) -> None:
        """Check an outcome that the fault table requires; record a finding if it is missing."""
        if not holds:
            self.unmet.append(otherwise)

    def strike(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Kill or stop a process of the stack. It must exist; otherwise the fault did not happen."""
        pid = self.stack.signal(name, how)
        self.require(pid, f"{name} was not there for {how.name}")
        return pid

    async def within(self, seconds: float, what: str, holds: Callable[[], object]) -> float:
        """Wait for a required outcome; record a finding if it is late."""
        try:
            return await until(holds, seconds, what)
        except TimeoutError:
            self.unmet.append(f"{what}: not within {seconds:.0f} s")
            return seconds

    async def some_load(self, commands: int, seconds: float = 30.0) -> int:
        """Let the load continue until this many more commands are acknowledged."""
        before = self.load.sender.acknowledged
        began = time.monotonic()
        while self.load.sender.acknowledged - before < commands:
            if time.monotonic() - began > seconds:
                break
            await asyncio.sleep(0.05)
        return self.load.sender.acknowledged - before

    async def ask(
        self, client: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a POST with a body, or a GET without one, to the front and return the response."""
        headers = {
            "Authorization": f"Bearer {await self.load.sender.tokens.of(client)}",
            "Idempotency-Key": f"fault-{secrets.token_hex(8)}",
        }
        method, url = "GET" if body is None else "POST", self.stack.state.url + path
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.request(method, url, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json() if await answer.read() else {}

    async def silence(self, seconds: float = 1.5) -> None:
        """Send no new requests for a while, so that consumers wait in their fetch."""
        self.load.sender.sending.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.load.sender.sending.set()


@dataclass(frozen=True)
class Fault:
    """A fault. `row` is its row in the fault table. The fault belongs to every `every`-th seed."""

    name: str
    row: str
    run: Callable[[Field], Awaitable[None]]
    setting: Setting = Setting.STRAIGHT
    every: int = 3

    def falls_on(self, seed: int) -> bool:
        """Return whether the fault belongs to the seed. Faults are spread so that long ones do not fall into one
        seed."""
        return (seed + list(FAULTS).index(self.name)) % self.every == 0


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, row: str, *, setting: Setting = Setting.STRAIGHT, every: int = 3
) -> Callable[[Callable[[Field], Awaitable[None]]], Callable[[Field], Awaitable[None]]]:
    def register(run: Callable[[Field], Awaitable[None]]) -> Callable[[Field], Awaitable[None]]:
        FAULTS[name] = Fault(name, row, run, setting, every)
        return run

    return register
