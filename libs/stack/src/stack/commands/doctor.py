"""`doctor`: looks at the running stack as an officer on call would, and says what to do."""

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import httpx
import typer
from common import clocks, durability, positions
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from stack.backup.archive import Archive, oldest_waiting_seconds, waits_for_base
from stack.child import is_running
from stack.cluster_commands import ClusterCommands
from stack.commands.options import AsJson, Data, Kube, write_json
from stack.errors import StackError
from stack.layout import Layout, StackState
from stack.plan import SERVERS, SERVICES
from stack.ports import LOOPBACK, NO_AUTHORITIES, answers
from stack.postgres import PostgresServer
from stack.private_files import read_private_map
from stack.running import running_state
from stack.service_commands import ServiceCommands, attached_postgres

app = typer.Typer()
# Into a pipe or a mail each finding is one line.
_WIDTH = None if sys.stdout.isatty() else 1000
_terminal = Console(highlight=False, soft_wrap=True, width=_WIDTH)
_FREE_BYTES = 1 << 30
_OUTBOX_SECONDS = 300.0
_LAG = 1000.0
_STREAM_FULL = 0.8
_KEY_DAYS = 180
_DAY = 86400
_BACKUP_HOURS = 36
_SPOOL_SECONDS = 300
_HOLDS_UP = """
SELECT holder.pid, holder.datname, count(DISTINCT waiting.pid),
       floor(extract(epoch FROM clock_timestamp() - holder.xact_start))
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS held (pid)
JOIN pg_stat_activity AS holder ON holder.pid = held.pid
WHERE cardinality(pg_blocking_pids(holder.pid)) = 0
  AND holder.xact_start <= clock_timestamp() - interval '{seconds} s'
GROUP BY holder.pid, holder.datname, holder.xact_start
"""
"""Who has made others wait for so long and waits for nobody: when it ends, they all go on."""
_WITHOUT_EVENTS = ("issuer", "gateway")  # neither publishes nor reads events


@dataclass(frozen=True)
class Finding:
    """`advice` is what to do; empty when the check passed."""

    check: str
    found: str
    advice: str = ""


@app.command()
def doctor(data: Data = None, as_json: AsJson = False, kube: Kube = None) -> None:
    """Check processes, database, events, disk, keys. Exit 1 if something needs a person."""
    findings = list(_examine_here(data) if kube is None else examine_cluster(ClusterCommands(kube)))
    if as_json:
        write_json([{**asdict(finding), "ok": not finding.advice} for finding in findings])
    else:
        _show(findings)
    if any(finding.advice for finding in findings):
        raise typer.Exit(1)


def _examine_here(data: Path | None) -> Iterator[Finding]:
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(f"no stack runs on {layout.root}: ./ruta up starts one")
    return examine(layout, state)


def examine_cluster(cluster: ClusterCommands) -> Iterator[Finding]:
    """What its pods say of themselves; disks, backups, certificates are their operators': alerts watch them."""
    for name, found in sorted(cluster.too_few().items()):
        yield Finding(f"pods of {name}", found, f"kubectl get pods -n {cluster.namespace}")
    for pod in cluster.pods():
        seen = f"pod {pod.name}"
        answer = cluster.ask(pod, "/readyz")
        if answer is None:
            why = pod.wrong or "does not answer"
            advice = f"kubectl describe pod {pod.name} -n {cluster.namespace}"
            yield Finding(seen, f"{why}, ended {pod.restarts} times", advice)
            continue
        yield _judged(seen, pod.service, answer)
        measured = cluster.ask(pod, "/metrics") if pod.service in SERVICES else None
        if measured is not None:
            there = f"{pod.service} --kube {cluster.namespace}"
            dead = _values(measured.text).get(("ruta_dead_letters",), 0)
            yield _dead_letters(pod.name, int(dead), there)
            yield from _measured(pod.name, pod.service, measured.text, f"./ruta logs {there}")


def _show(findings: Sequence[Finding]) -> None:
    table = Table("check", "found", "what to do")
    for finding in findings:
        verdict = "[green]ok[/]" if not finding.advice else f"[yellow]{finding.advice}[/]"
        table.add_row(finding.check, finding.found, verdict)
    _terminal.print(table)


def examine(layout: Layout, state: StackState) -> Iterator[Finding]:
    yield from _processes(layout, state)
    yield _disk(layout)
    yield _backup(layout)
    if Archive.of(layout) is not None:
        seconds = oldest_waiting_seconds(layout.spool)
        late = (
            "is the archive's folder there? see logs/stack.log" if seconds > _SPOOL_SECONDS else ""
        )
        yield Finding("write-ahead log", f"the oldest waits for {seconds:.0f} s", late)
        if since := waits_for_base(layout):
            yield Finding("archive", f"no base backup since {since}", "./ruta backup makes one")
    yield from _private_files(layout)
    yield from _keys(layout)
    yield from _databases(layout, state)
    yield _lists(layout)
    for service in SERVICES:
        yield from _events(service, state.ports[service])


def _processes(layout: Layout, state: StackState) -> Iterator[Finding]:
    if not state.processes:  # containers: podman watches them
        for name, port in sorted(state.ports.items()):
            yield _server(name, port) if name in SERVERS else _ready(name, port)
    held = layout.holds()
    for name, pid in sorted(state.processes.items()):
        if name in held:
            found = "kept down on purpose" if not is_running(pid) else "will not be restarted"
            yield Finding(f"process {name}", found, f"rm {layout.hold_file(name)} lets it start")
        elif not is_running(pid):
            yield Finding(f"process {name}", "ended", "it is being restarted; see logs/stack.log")
        elif name in state.ports and name not in ("postgres", "nats"):
            yield _ready(name, state.ports[name])
        else:
            yield Finding(f"process {name}", f"runs (process {pid})")


def _server(name: str, port: int) -> Finding:
    up = answers(port)
    return Finding(
        f"process {name}", "answers" if up else "does not answer", "" if up else "see its log"
    )


def _ready(name: str, port: int) -> Finding:
    try:
        answer = httpx.get(
            f"http://{LOOPBACK}:{port}/readyz", timeout=5, trust_env=False, verify=NO_AUTHORITIES
        )
    except httpx.TransportError as error:
        return Finding(
            f"process {name}",
            f"does not answer ({type(error).__name__})",
            "if it lasts, end the process: it is started again",
        )
    return _judged(f"process {name}", name, answer)


def _judged(check: str, name: str, answer: httpx.Response) -> Finding:
    """What `/readyz` of a process of that name means for whoever is on call."""
    if answer.status_code != 200:
        return Finding(check, "not ready", _remedy(answer))
    parts = _parts(answer)
    if "clock" in parts and parts["clock"] != clocks.OK:
        return Finding(check, f"clock {parts['clock']}", clocks.REMEDY)
    if "durability" in parts and parts["durability"] != durability.OK:
        return Finding(check, parts["durability"], durability.REMEDY)
    if parts.get("standby", positions.OK) != positions.OK:
        return Finding(check, f"ready, its standby is {parts['standby']}", positions.REMEDY)
    if parts.get("step_up") == "off":
        return Finding(
            check,
            "an old sign-in is enough for what can do much harm",
            "unset RUTA_STEP_UP_MINUTES, unless that is meant",
        )
    if "degraded" in answer.text and name not in _WITHOUT_EVENTS:
        return Finding(check, "ready, without the event bus", "events wait; look at NATS")
    return Finding(check, "ready, reads from a standby" if "standby" in parts else "ready")


def _remedy(answer: httpx.Response) -> str:
    """What the process itself says at `/readyz`."""
    parts = _parts(answer)
    if not parts:
        return "look at what it waits for below"
    missing = ", ".join(f"{part} {state}" for part, state in parts.items() if part != "remedy")
    return str(parts.get("remedy") or f"it waits: {missing}")


def _parts(answer: httpx.Response) -> dict[str, str]:
    try:
        parts: dict[str, str] = answer.json()["parts"]
    except (ValueError, KeyError, TypeError):
        return {}
    return parts


def _disk(layout: Layout) -> Finding:
    free = shutil.disk_usage(layout.root).free
    advice = "" if free > _FREE_BYTES else "free some space: at 0 all writes are refused with 503"
    return Finding("disk", f"{free / 2**30:.1f} GiB free", advice)


def _backup(layout: Layout) -> Finding:
    last = read_private_map(layout.last_backup_file)
    if not last:
        # A stack of an hour has nothing to lose yet.
        young = time.time() - (layout.postgres / "cluster" / "PG_VERSION").stat().st_mtime < _DAY
        return Finding("last backup", "none yet", "" if young else "./ruta backup (IM guide)")
    hours = (time.time() - datetime.fromisoformat(last["at"]).timestamp()) / 3600
    advice = (
        "" if hours < _BACKUP_HOURS else "./ruta backup, and look why the daily one did not run"
    )
    return Finding("last backup", f"{hours:.0f} hours ago, in {last['folder']}", advice)


def _lists(layout: Layout) -> Finding:
    """What a restore erases and restricts again."""
    asked = ServiceCommands(layout).ask("referrals", "verify-lists")
    said = " · ".join((asked.stdout.strip() or asked.stderr.strip()).splitlines())
    advice = (
        "" if asked.returncode == 0 else "put it back from a second place or a backup (IM guide)"
    )
    return Finding("lists for a restore", said, advice)


def _private_files(layout: Layout) -> Iterator[Finding]:
    secret = [
        layout.secrets_file,
        layout.clients_file,
        layout.people_file,
        layout.broker_credentials_file,
        layout.overlay_secrets_file,
        *_private_keys(layout),
    ]
    open_files = [path.name for path in secret if path.exists() and path.stat().st_mode & 0o077]
    found = f"readable by others: {', '.join(open_files)}" if open_files else "owner only"
    yield Finding("secret files", found, "chmod 600 them, then make new ones" if open_files else "")


def _private_keys(layout: Layout) -> list[Path]:
    """All key files but the published ones (JWKS) and lock files."""
    return [
        path
        for path in sorted(layout.keys.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith("jwks.json")
    ]


def _keys(layout: Layout) -> Iterator[Finding]:
    for path in _private_keys(layout):
        days = (time.time() - path.stat().st_mtime) / _DAY
        advice = "" if days < _KEY_DAYS else "./ruta keys rotate"
        yield Finding(f"key {path.relative_to(layout.keys)}", f"{days:.0f} days old", advice)


def _databases(layout: Layout, state: StackState) -> Iterator[Finding]:
    server = attached_postgres(layout, state)
    if not answers(state.ports["postgres"]):
        # What would be asked of it is left out, the rest is said.
        yield Finding("databases", "do not answer", "is PostgreSQL up? postgres/postgres.log")
        return
    for name in SERVICES:
        dead = int(server.psql("SELECT count(*) FROM dead_letters", database=name) or 0)
        yield _dead_letters(name, dead, name)
    busy = server.psql("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL").strip()
    yield Finding("database connections", f"{busy} of 200", "" if int(busy) < 160 else "too many")
    yield from held_up(server, here=bool(state.processes))


def held_up(server: PostgresServer, *, here: bool, seconds: int = 10) -> Iterator[Finding]:
    """`here`: the sessions of an embedded server are processes of this machine."""
    for line in server.psql(_HOLDS_UP.format(seconds=seconds)).split():
        pid, database, others, since = line.split("|")
        ends = f"kill {pid}" if here else f"SELECT pg_terminate_backend({pid})"
        yield Finding(
            f"session {pid} of {database}",
            f"makes {others} wait, open for {since} s",
            f"who left it open? {ends} undoes and ends it",
        )


def _dead_letters(where: str, dead: int, options: str) -> Finding:
    advice = f"mend the cause, then ./ruta events dead-letters {options}" if dead else ""
    return Finding(f"dead letters of {where}", str(dead), advice)


def _events(service: str, port: int) -> Iterator[Finding]:
    try:
        text = httpx.get(
            f"http://{LOOPBACK}:{port}/metrics", timeout=5, trust_env=False, verify=NO_AUTHORITIES
        ).text
    except httpx.TransportError:
        return
    yield from _measured(service, service, text, "logs/stack.log")


def _values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _measured(where: str, service: str, text: str, log: str) -> Iterator[Finding]:
    """What a process measured of its events; `log` is where its lines are read."""
    values = _values(text)
    age = values.get(("ruta_outbox_oldest_seconds",), 0.0)
    waiting = values.get(("ruta_outbox_unpublished",), 0.0)
    yield Finding(
        f"outbox of {where}",
        f"{waiting:.0f} wait, the oldest for {age:.0f} s",
        "" if age < _OUTBOX_SECONDS else f"is NATS up? {log}",
    )
    limit = values.get(("ruta_stream_limit_bytes",), 0.0)
    if limit:
        full = values.get(("ruta_stream_bytes",), 0.0) / limit
        yield Finding(
            f"stream of {where}",
            f"{full:.0%} of {limit / 2**20:.0f} MiB",
            "" if full < _STREAM_FULL else "raise RUTA_STREAM_MAX_BYTES before it is full",
        )
    for key, value in values.items():
        if key[0] == "ruta_consumer_pending":
            advice = "" if value < _LAG else f"{service} is slow or stuck: {log}"
            yield Finding(f"{where} reads {key[1]}", f"{value:.0f} wait", advice)
