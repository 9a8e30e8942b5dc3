"""One seed: a stack, a load, its faults in turn, then the checks."""

import asyncio
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from directory.ground.demo_data import demo_services
from stack.demo.data import load_demo_data
from stack.embedded.plan import SERVICES

from drills.faults import (
    broker_faults,
    database_faults,
    pgbouncer,
    upkeep_faults,
    worker_faults,
)
from drills.faults.batches import Service
from drills.faults.checker import (
    Finding,
    Verdict,
    check_commands,
    check_layer,
    check_proofs,
    check_waiting,
    faults_of,
)
from drills.faults.client import Sender
from drills.faults.directory_load import DirectoryLoad
from drills.faults.expected_counts import COUNTS, counts_by_aor
from drills.faults.field import FAULTS, Fault, Field, Setting
from drills.faults.history import History, Outcome
from drills.faults.load import ORGANISATIONS, Load
from drills.faults.proxy import Proxy
from drills.faults.receiver import Receiver
from drills.faults.record import (
    UNREACHABLE,
    Baseline,
    Record,
    baseline,
    read_record,
    waiting,
    webhook_layer,
)
from drills.faults.stack_under_test import StackUnderTest, until

__all__ = ["broker_faults", "database_faults", "upkeep_faults", "worker_faults"]
HOOKED = ("ngo-legal",)
# Of five seeds, one runs behind the proxy and one behind PgBouncer.
_WIRINGS = (
    Setting.STRAIGHT,
    Setting.STRAIGHT,
    Setting.PROXIED,
    Setting.STRAIGHT,
    Setting.POOLED,
)
_LEAST = 100  # Minimum commands per fault, even if an earlier fault used more than its share.
_REST_SECONDS = 240.0
_LEASE_SECONDS = 75.0


@dataclass
class FaultResult:
    fault: Fault
    commands: int = 0
    seconds: float = 0.0
    recovery: float = 0.0
    unmet: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class SeedResult:
    seed: int
    results: list[FaultResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    commands: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was lost or duplicated, and each fault had the outcome that the table requires."""
        return not self.findings and not any(each.unmet for each in self.results)


class Stopwatch:
    """Measures the time of each part of a phase."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self._laps[name] = self._laps.get(name, 0.0) + now - self._last
        self._last = now

    def told(self) -> str:
        return ", ".join(f"{name} {seconds:.0f}" for name, seconds in self._laps.items())


@dataclass(frozen=True)
class Plan:
    """The plan of a run. Each seed acknowledges or refuses at least `commands` commands, spread over its faults."""

    commands: int
    names: Sequence[str]
    size_mib: int = 3072
    every: bool = False  # Runs each fault in every seed.
    workers: int = 2

    def phases(self, seed: int) -> dict[Setting, list[Fault]]:
        """Return the seed's wirings with their faults, in an order that the seed determines.

        A seed draws one wiring and a share of the faults. Over twenty seeds each fault occurs at least twice. With
        `every` the seed takes all faults, each in the wiring that it needs.
        """
        chosen = [FAULTS[name] for name in self.names]
        wiring = _WIRINGS[seed % len(_WIRINGS)]
        found: dict[Setting, list[Fault]] = {}
        for fault in chosen:
            where = fault.setting
            if not self.every:
                if where is Setting.STRAIGHT:
                    where = wiring  # Faults that need no proxy also work behind one.
                drawn = fault.setting is wiring is not Setting.STRAIGHT or fault.falls_on(seed)
                if not drawn or where not in (wiring, Setting.FINALE):
                    continue
            found.setdefault(where, []).append(fault)
        for setting, faults in found.items():
            random.Random(f"order {seed} {setting}").shuffle(faults)
        return {setting: found[setting] for setting in Setting if setting in found}


class Seed:
    def __init__(self, seed: int, plan: Plan, folder: Path) -> None:
        self.seed, self._plan = seed, plan
        self.stack = StackUnderTest(folder / f"seed-{seed}")
        self._history = History()
        self._result = SeedResult(seed)
        self._receiver = Receiver()
        self._before: Baseline | None = None
        self._clock = Stopwatch()

    async def run(self) -> SeedResult:
        began = time.monotonic()
        async with AsyncExitStack() as ending:
            await ending.enter_async_context(own_file_system(self.stack, self._plan.size_mib))
            await ending.enter_async_context(self._receiver.listening())
            phases = self._plan.phases(self.seed)
            finale = phases.pop(Setting.FINALE, [])
            quota = self._plan.commands / max(1, sum(map(len, phases.values())))
            try:
                for setting, faults in phases.items():
                    await self._phase(setting, faults, quota)
                for fault in finale:
                    await self._finale(fault)
            finally:
                await self.stack.down()
        self._result.seconds = time.monotonic() - began
        return self._result

    async def _phase(self, setting: Setting, faults: list[Fault], quota: float) -> None:
        """Run one wiring of the stack with its faults, and check everything at the end."""
        self._clock = Stopwatch()
        async with AsyncExitStack() as ending:
            proxies = await self._up(setting, ending)
            self._clock.lap("up")
            if self._before is None:
                await self._prepare()
                self._clock.lap("demo data")
            sender = Sender(self.stack.state.url, self.stack.secrets(), self._history, self.seed)
            ending.push_async_callback(sender.close)
            services = await referable_services(self.stack)
            await self._hook(sender)
            load = Load(
                sender,
                services,
                self.seed * 10 + list(Setting).index(setting),
                workers=self._plan.workers,
            )
            load.directory = DirectoryLoad(
                self.stack.state.url, sender.tokens, self._history, services,
                demo_services(), self.seed * 10 + list(Setting).index(setting),
            )  # fmt: skip
            rng = random.Random(f"faults {self.seed} {setting}")
            used = self.stack.processor_seconds()
            async with load.running():
                await _some(sender, 50)
                for number, fault in enumerate(faults, 1):
                    where = Field(self.stack, load, rng, tuple(proxies))
                    goal = int(quota * number)
                    self._result.results.append(await self._one(fault, where, goal))
                load.label = "none"
                self._clock.lap("faults")
            self._clock.lap("last answers")
            print(
                f"  processor ms per command: {_spent(used, self.stack.processor_seconds(), sender.answered)}"
            )
            await load.resolve(self._history)
            self._clock.lap("resolving")
            self._result.statuses += sender.statuses
            await self._check(setting, sender)
        await self.stack.down()
        print(f"  seconds {self._clock.told()}", flush=True)
        self._tell_errors()

    async def _up(self, setting: Setting, ending: AsyncExitStack) -> list[Proxy]:
        """Start the stack in this wiring; return its proxies, of which the proxied wiring has two."""
        proxies: list[Proxy] = []
        through: dict[str, dict[str, int]] = {}
        extra_of: dict[str, dict[str, str]] = {}
        replicas = [f"{name}{more}" for name in SERVICES for more in ("", "-2")]
        if setting is Setting.PROXIED:
            for _ in range(2):
                to = Proxy(lambda: self.stack.state.ports["postgres"])
                proxies.append(await ending.enter_async_context(to.listening()))
            through = {
                name: {"postgres": proxies[not name.startswith("referrals")].port}
                for name in replicas
            }
        if setting is Setting.POOLED:
            port = await ending.enter_async_context(pgbouncer.running(self.stack))
            through = {name: {"postgres": port} for name in replicas}
            extra_of = {name: {"RUTA_DATABASE_VIA_PGBOUNCER": "true"} for name in replicas}
        await self.stack.up(through=through, extra_of=extra_of)
        return proxies

    async def _prepare(self) -> None:
        await load_demo_data(self.stack.layout, self.stack.state.url)
        self._before = await baseline(self.stack.databases)

    async def _hook(self, sender: Sender) -> None:
        """Register the receiving organisations' webhooks, once per stack."""
        for client in HOOKED:
            if ORGANISATIONS[client] in self._receiver.secrets:
                continue
            headers = {
                "Authorization": f"Bearer {await sender.tokens.of(client)}",
                "Idempotency-Key": f"hook-{self.seed}-{client}",
            }
            body = {"url": self._receiver.url(ORGANISATIONS[client])}
            async with (
                aiohttp.ClientSession() as session,
                session.post(
                    f"{self.stack.state.url}/referrals/v1/webhooks", json=body, headers=headers
                ) as answer,
            ):
                if answer.status != 201:
                    raise RuntimeError(f"no webhook: {answer.status} {await answer.text()}")
                self._receiver.secrets[ORGANISATIONS[client]] = (await answer.json())["secret"]

    async def _one(self, fault: Fault, where: Field, goal: int) -> FaultResult:
        """Run one fault, then let the load continue until `goal` commands of the phase have a response."""
        sender = where.load.sender
        where.load.label = fault.name
        result = FaultResult(fault)
        before, began = sender.answered, time.monotonic()
        try:
            await fault.run(where)
        except Exception as error:  # noqa: BLE001 - a fault that fails is a finding, not the end
            where.unmet.append(f"{type(error).__name__}: {error}"[:300])
        result.recovery = await self._recovered(where)
        await _some(sender, max(goal - sender.answered, before + _LEAST - sender.answered))
        result.commands = sender.answered - before
        result.seconds = time.monotonic() - began
        result.unmet, result.notes = where.unmet, where.notes
        print(
            f"  seed {self.seed} {fault.name}: {result.commands} commands in {result.seconds:.0f} s,"
            f" recovered in {result.recovery:.1f} s {'; '.join(result.notes)}"
            f" {'UNMET ' + '; '.join(result.unmet) if result.unmet else ''}",
            flush=True,
        )
        return result

    async def _recovered(self, where: Field) -> float:
        """Return the seconds until commands are acknowledged again and no earlier event is waiting."""
        sender, began = where.load.sender, time.monotonic()
        mark = sender.acknowledged
        seconds = await where.within(90, "commands again", lambda: sender.acknowledged > mark + 5)
        left = (
            "SELECT count(*) FROM outbox WHERE published_at IS NULL"
            " AND occurred_at < now() - interval '{} seconds'"
        )

        async def published() -> bool:
            age = time.monotonic() - began + 0.5
            try:
                return await self.stack.databases.number("referrals", left.format(age)) == 0
            except UNREACHABLE:
                return False

        await where.within(120, "events published", published)
        # The next fault finds processes in the state file, which lists them once they are ready.
        await where.within(60, "every process again", self.stack.whole)
        return max(seconds, time.monotonic() - began)

    async def _check(self, setting: Setting, sender: Sender) -> None:
        """Wait until nothing changes any more, then compare everything."""
        databases = self.stack.databases
        self.stack.step_clock(_LEASE_SECONDS)  # Make leases of killed workers expire now.

        async def at_rest() -> bool:
            try:
                left = await waiting(databases)
            except UNREACHABLE:
                return False
            if any(left.values()):
                if int(time.monotonic()) % 20 == 0:
                    self.stack.step_clock(_LEASE_SECONDS)
                return False
            return await self._consumed()

        try:
            await until(at_rest, _REST_SECONDS, "rest")
        except TimeoutError as error:
            self._result.findings.append(Finding(Verdict.STUCK, "-", str(error)))
        self._clock.lap("rest")
        assert self._before is not None
        record = await read_record(databases, self._before)
        record.layers.append(
            webhook_layer(record, {ORGANISATIONS[c] for c in HOOKED}, self._receiver.received)
        )
        findings = check_commands(self._history, record.changes) + check_waiting(record.waiting)
        print(f"  {self._history.proofs}", flush=True)
        findings += check_proofs(self._history)
        faults = faults_of(self._history)
        for layer in record.layers:
            findings += check_layer(layer, faults)
        findings += await self._reports(sender, record)
        self._clock.lap("comparing")
        findings += await self._commands_that_verify()
        self._clock.lap("verify, replay")
        if self._receiver.forged:
            findings.append(Finding(Verdict.GHOST, "-", f"{self._receiver.forged} forged webhooks"))
        self._result.findings = findings
        self._result.commands = sum(c.attempts > 0 for c in self._history.commands)
        self._result.outcomes = Counter(str(c.outcome) for c in self._history.commands)
        self._result.kinds = Counter(c.kind for c in self._history.commands)
        print(
            f"  seed {self.seed} {setting}: {self._result.commands} commands"
            f" {dict(self._result.outcomes)}, {len(findings)} findings",
            flush=True,
        )
        shown: Counter[str] = Counter()
        for finding in findings:
            kind = f"{finding.verdict} {finding.what[:24]}"
            shown[kind] += 1
            if shown[kind] <= 4:
                print(f"    {finding.verdict} [{finding.fault}] {finding.what}", flush=True)
        refusals = Counter(c.refusal for c in self._history.commands if c.refusal)
        print(f"    findings {dict(shown)}; refusals {dict(refusals)}", flush=True)

    def _tell_errors(self) -> None:
        """Report unhandled errors found in the services' logs."""
        lines = self.stack.layout.log_file.read_text(errors="replace").splitlines()
        told = Counter(line[27:80] for line in lines if '"level"' in line)
        print(f"    log lines {told.most_common(8)}", flush=True)
        stopped = [
            line for line in lines if '"background_task_failed"' in line or '"row_left"' in line
        ]
        for line in stopped[:5]:
            print(f"    {line[:1000]}", flush=True)
        shown: Counter[str] = Counter()
        for line in lines:
            if '"level": "error"' in line:
                kind = line[line.find('"sqlstate"') :][:20] + line[line.find('"error"') :][:200]
                shown[kind] += 1
                if shown[kind] == 1 and len(shown) <= 12:
                    print(f"    log: {line[:1200]}", flush=True)

    async def _consumed(self) -> bool:
        """Wait until no consumer has messages to receive or to acknowledge."""
        try:
            client, jetstream = await self.stack.bus()
        except Exception:  # noqa: BLE001 - the broker may just be starting
            return False
        try:
            for stream, durable in (
                ("RUTA_REFERRALS", "reporting"),
                ("RUTA_DIRECTORY", "referrals"),
                ("RUTA_DIRECTORY", "reporting"),
            ):
                info = await jetstream.consumer_info(stream, durable)
                if info.num_pending or info.num_ack_pending:
                    return False
            return True
        except Exception:  # noqa: BLE001 - a stream or consumer is just made again
            return False
        finally:
            await client.close()

    async def _reports(self, sender: Sender, record: Record) -> list[Finding]:
        """Compare reporting's responses through the gateway with the record's own history."""
        expected = counts_by_aor(record.ended)
        headers = {"Authorization": f"Bearer {await sender.tokens.of('im-officer')}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.stack.state.url}/reports/v1/indicators", headers=headers) as answer,
        ):
            body = await answer.json()
        told: Counter[tuple[str, str]] = Counter()
        shown = {scope["id"] for scope in body["scopes"] if scope["scope"] == "aor"}
        for scope in body["scopes"]:
            if scope["scope"] == "aor":
                for row in scope["rows"]:
                    for name in COUNTS:
                        told[(scope["id"], name)] += row["counts"].get(name, 0)
        return [
            Finding(Verdict.TORN, "-", f"report {key}: {told[key]} instead of {expected[key]}")
            for key in expected.keys() | told.keys()
            if told[key] != expected[key] and key[0] in shown
        ]

    async def _commands_that_verify(self) -> list[Finding]:
        found = []
        for words in (("audit", "verify"), ("events", "replay")):
            done = await self.stack.run(*words)
            told = done.stdout + done.stderr
            if done.returncode != 0 or ("replay" in words and "equal" not in told):
                why = [line.strip()[:200] for line in told.splitlines() if "Error: " in line]
                told = "; ".join(dict.fromkeys(why)) or told[-300:]
                found.append(Finding(Verdict.TORN, "-", f"{' '.join(words)}: {told}"))
        return found

    async def _finale(self, fault: Fault) -> None:
        """Run a fault that needs the stack without a load."""
        await self.stack.up()
        sender = Sender(self.stack.state.url, self.stack.secrets(), History(), self.seed)
        try:
            where = Field(
                self.stack, Load(sender, [], self.seed), random.Random(f"finale {self.seed}")
            )
            began = time.monotonic()
            try:
                await fault.run(where)
            except Exception as error:  # noqa: BLE001 - as in `_one`
                where.unmet.append(f"{type(error).__name__}: {error}"[:300])
            self._result.results.append(
                FaultResult(fault, 2, time.monotonic() - began, 0.0, where.unmet, where.notes)
            )
        finally:
            await sender.close()


async def referable_services(stack: StackUnderTest) -> list[Service]:
    """Return the referable services of the three organisations, once referrals has received them."""
    clients = {organisation: client for client, organisation in ORGANISATIONS.items()}

    async def known() -> list[Any]:
        return await stack.databases.fetch(
            "referrals",
            "SELECT service_id, organisation_id, categories FROM directory_services"
            " WHERE referable AND NOT withdrawn ORDER BY service_id",
        )

    await until(known, 30, "referrals knows the services")
    await asyncio.sleep(0.5)
    return [
        Service(str(row["service_id"]), clients[str(row["organisation_id"])], row["categories"][0])
        for row in await known()
        if str(row["organisation_id"]) in clients
    ]


def _spent(before: dict[str, float], after: dict[str, float], commands: int) -> dict[str, float]:
    return {
        name: round((seconds - before.get(name, 0.0)) * 1000 / max(1, commands), 1)
        for name, seconds in after.items()
    }


async def _some(sender: Sender, commands: int) -> None:
    """Wait until this many more commands have a response, or until none gets one for half a minute."""
    goal, last, moved = sender.answered + commands, sender.answered, time.monotonic()
    while sender.answered < goal:
        if sender.answered != last:
            last, moved = sender.answered, time.monotonic()
        if time.monotonic() - moved > 30:
            return
        await asyncio.sleep(0.05)


@asynccontextmanager
async def own_file_system(stack: StackUnderTest, size_mib: int) -> AsyncIterator[None]:
    """Mount a small file system for the data directory, if this process may mount one."""
    root = stack.layout.root
    root.mkdir(parents=True, exist_ok=True)
    root.parent.chmod(0o755)
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0755", "ruta-faults", str(root)],
            check=False,
            capture_output=True,
        ).returncode
        == 0
    )
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(root)], check=False, capture_output=True)


def scratch() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="ruta-faults-")


def count(result: SeedResult, outcome: Outcome) -> int:
    return result.outcomes[str(outcome)]
