"""`doctor`: runs the checks on the running stack that an officer on call would make, and gives advice."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import httpx
import typer
from common import clock, clocks
from common.db import durability
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from stack.commands.options import AsJson, Data, Kube, write_json
from stack.embedded.child import is_running
from stack.embedded.connection import running_state
from stack.embedded.layout import Layout, StackState
from stack.embedded.plan import CONSOLE, SERVERS, SERVICES
from stack.embedded.ports import LOOPBACK, NO_AUTHORITIES, answers
from stack.embedded.postgres import PostgresServer
from stack.errors import StackError
from stack.operate.backup import lists
from stack.operate.backup.archive import Archive, oldest_waiting_seconds, waits_for_base
from stack.operate.cluster.commands import ClusterCommands, ClusterPod, running
from stack.operate.cluster.troubles import troubles
from stack.operate.service_commands import ServiceCommands, attached_postgres
from stack.private_files import read_private_map
from stack.texts import known, said

app = typer.Typer()
# In a pipe or an e-mail, each finding is one line.
_WIDTH = None if sys.stdout.isatty() else 1000
_terminal = Console(highlight=False, soft_wrap=True, width=_WIDTH)
_FREE_BYTES = 1 << 30
_FREE_SHARE = 0.1
_OUTBOX_SECONDS = 300.0
_LAG = 1000.0
_STREAM_FULL = 0.8
_KEY_DAYS = 180
_DAY = 86400
_ISSUER = "issuer"
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
"""Sessions that have blocked others for so long and are not blocked themselves: ending them lets all others
continue."""
OF_SERVICES = (
    clocks.REMEDY,
    clocks.DOUBTED,
    durability.REMEDY,
    "run the migration of this release",
)
"""Texts in `/readyz` for the officer on call that the catalogues contain."""
_WITHOUT_EVENTS = ("issuer", "gateway")  # they neither publish nor consume events


@dataclass(frozen=True)
class Finding:
    """The result of a check; `advice` is empty if it passed."""

    check: str
    found: str
    advice: str = ""


@app.command()
def doctor(data: Data = None, as_json: AsJson = False, kube: Kube = None) -> None:
    """Check processes, databases, events, disk and keys.

    Exit 1 if something needs attention.
    """
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
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    return examine(layout, state)


def examine_cluster(cluster: ClusterCommands) -> Iterator[Finding]:
    """Check the objects in the namespace, then query the running processes. Backups and certificates are managed by
    their own operators and have their own alerts."""
    documents = cluster.state()
    for trouble in troubles(documents, cluster.namespace, clock.now()):
        yield Finding(trouble.what, trouble.found, trouble.advice)
    claims: set[str] = set()
    for pod in running(documents):
        seen = said("pod {name}", name=pod.name)
        for claim, free, whole in cluster.disks(pod) if pod.volumes else ():
            if claim not in claims:
                claims.add(claim)
                yield _volume(claim, free, whole, cluster.namespace)
        if pod.service == CONSOLE:
            yield from _restored(cluster, pod)
        if not pod.answers:
            continue
        answer = cluster.ask(pod, "/readyz")
        if answer is None:
            advice = f"kubectl describe pod {pod.name} -n {cluster.namespace}"
            yield Finding(seen, said("not responding"), advice)
            continue
        yield _judged(seen, pod.service, answer, pod.node)
        measured = cluster.ask(pod, "/metrics") if pod.service in (*SERVICES, _ISSUER) else None
        if measured is not None:
            yield from _went_back(pod.name, _values(measured.text))
        if measured is not None and pod.service != _ISSUER:
            there = f"{pod.service} --kube {cluster.namespace}"
            dead = _values(measured.text).get(("ruta_dead_letters",), 0)
            yield _dead_letters(pod.name, int(dead), there)
            yield from _measured(pod.name, pod.service, measured.text, f"./ruta logs {there}")


def _restored(cluster: ClusterCommands, pod: ClusterPod) -> Iterator[Finding]:
    """Report a restore without its lists. The console's pod sees the file that the restore wrote."""
    for place in pod.volumes:
        if text := cluster.text(pod, f"{place}/missing-lists.json"):
            settled = (
                f"kubectl exec deployment/referrals -n {cluster.namespace} --"
                " mv /var/lib/ruta/evidence/restored/missing-lists.json"
                " /var/lib/ruta/evidence/restored/missing-lists.settled"
            )
            yield _without_lists(
                json.loads(text),
                said(
                    "erase and withdraw again what came back (docs/operate.md), then run {settled}",
                    settled=settled,
                ),
            )


def _without_lists(missing: Mapping[str, str], advice: str) -> Finding:
    return Finding(
        said("restore made without its lists"),
        said("on {at} from {backup}: {why}", **missing),
        advice,
    )


def _volume(claim: str, free: int, whole: int, namespace: str) -> Finding:
    found = said("{size:.1f} GiB free", size=free / 2**30)
    full = free < _FREE_SHARE * whole
    enlarge = said(
        "enlarge it: kubectl edit pvc {claim} -n {namespace}", claim=claim, namespace=namespace
    )
    return Finding(said("volume {name}", name=claim), found, enlarge if full else "")


def _show(findings: Sequence[Finding]) -> None:
    table = Table(said("check"), said("found"), said("what to do"))
    for finding in findings:
        verdict = (
            f"[green]{said('ok')}[/]" if not finding.advice else f"[yellow]{finding.advice}[/]"
        )
        table.add_row(finding.check, finding.found, verdict)
    _terminal.print(table)


def examine(layout: Layout, state: StackState) -> Iterator[Finding]:
    yield from _processes(layout, state)
    yield _disk(layout)
    yield _backup(layout)
    if Archive.of(layout) is not None:
        seconds = oldest_waiting_seconds(layout.spool)
        late = (
            said("does the archive's folder exist? See logs/stack.log")
            if seconds > _SPOOL_SECONDS
            else ""
        )
        waits = said("the oldest has waited {seconds:.0f} s", seconds=seconds)
        yield Finding(said("write-ahead log"), waits, late)
        if since := waits_for_base(layout):
            found = said("there has been no base backup since {since}", since=since)
            yield Finding(said("archive"), found, said("make one with ./ruta backup"))
    yield from _private_files(layout)
    yield from _keys(layout)
    yield from _databases(layout, state)
    yield _lists(layout)
    yield from _second_places(layout)
    yield from _missing_lists(layout)
    for service in SERVICES:
        text = _metrics(state.ports[service])
        yield from _measured(service, service, text, "logs/stack.log") if text else ()
        yield from _went_back(service, _values(text))
    yield from _went_back(_ISSUER, _values(_metrics(state.ports.get(_ISSUER))))


def _processes(layout: Layout, state: StackState) -> Iterator[Finding]:
    if not state.processes:  # containers: podman watches them
        for name, port in sorted(state.ports.items()):
            yield _server(name, port) if name in SERVERS else _ready(name, port)
    held = layout.holds()
    for name, pid in sorted(state.processes.items()):
        if name in held:
            found = (
                said("it will not be restarted")
                if is_running(pid)
                else said("kept down on purpose")
            )
            lets = said("to let it start: rm {file}", file=layout.hold_file(name))
            yield Finding(_process(name), found, lets)
        elif not is_running(pid):
            yield Finding(
                _process(name), said("ended"), said("it is being restarted; see logs/stack.log")
            )
        elif name in state.ports and name not in ("postgres", "nats"):
            yield _ready(name, state.ports[name])
        else:
            yield Finding(_process(name), said("running (process {pid})", pid=pid))


def _server(name: str, port: int) -> Finding:
    up = answers(port)
    if up:
        return Finding(_process(name), said("answers"))
    return Finding(_process(name), said("not responding"), said("see its log"))


def _process(name: str) -> str:
    return said("process {name}", name=name)


def _ready(name: str, port: int) -> Finding:
    try:
        answer = httpx.get(
            f"http://{LOOPBACK}:{port}/readyz", timeout=5, trust_env=False, verify=NO_AUTHORITIES
        )
    except httpx.TransportError as error:
        return Finding(
            _process(name),
            said("not responding ({error})", error=type(error).__name__),
            said("if this continues, end the process: it starts again by itself"),
        )
    return _judged(_process(name), name, answer)


def _judged(check: str, name: str, answer: httpx.Response, node: str = "") -> Finding:
    """Interpret `/readyz` of this process for the officer on call."""
    if answer.status_code != 200:
        return Finding(check, said("not ready"), _remedy(answer))
    parts = _parts(answer)
    if "clock" in parts and parts["clock"] != clocks.OK:
        apart = said("clock {state}", state=parts["clock"])
        where = said("{apart} (node {node})", apart=apart, node=node) if node else apart
        return Finding(check, where, known(clocks.REMEDY))
    if "durability" in parts and parts["durability"] != durability.OK:
        return Finding(check, parts["durability"], known(durability.REMEDY))
    if parts.get("step_up") == "off":
        return Finding(
            check,
            said("an old sign-in is enough for actions that can do great harm"),
            said("unset RUTA_STEP_UP_MINUTES, unless you set it on purpose"),
        )
    if "degraded" in answer.text and name not in _WITHOUT_EVENTS:
        return Finding(
            check, said("ready, without the event bus"), said("events are waiting; check NATS")
        )
    return Finding(check, said("ready"))


def _remedy(answer: httpx.Response) -> str:
    """Return the remedy that the process itself reports at `/readyz`."""
    parts = _parts(answer)
    if not parts:
        return said("see below what it is waiting for")
    missing = ", ".join(f"{part} {state}" for part, state in parts.items() if part != "remedy")
    return known(parts.get("remedy", "")) or said("it is waiting for: {missing}", missing=missing)


def _parts(answer: httpx.Response) -> dict[str, str]:
    try:
        parts: dict[str, str] = answer.json()["parts"]
    except (ValueError, KeyError, TypeError):
        return {}
    return parts


def _disk(layout: Layout) -> Finding:
    free = shutil.disk_usage(layout.root).free
    advice = (
        ""
        if free > _FREE_BYTES
        else said("free some space: when none is left, every write is refused with 503")
    )
    return Finding(said("disk"), said("{size:.1f} GiB free", size=free / 2**30), advice)


def _backup(layout: Layout) -> Finding:
    last = read_private_map(layout.last_backup_file)
    if not last:
        # a stack that is only an hour old has nothing to lose
        young = time.time() - (layout.postgres / "cluster" / "PG_VERSION").stat().st_mtime < _DAY
        advice = "" if young else said("./ruta backup (docs/operate.md)")
        return Finding(said("last backup"), said("none yet"), advice)
    hours = (time.time() - datetime.fromisoformat(last["at"]).timestamp()) / 3600
    advice = (
        ""
        if hours < _BACKUP_HOURS
        else said("run ./ruta backup, and find out why the daily backup did not run")
    )
    found = said("{hours:.0f} hours ago, in {folder}", hours=hours, folder=last["folder"])
    return Finding(said("last backup"), found, advice)


def _lists(layout: Layout) -> Finding:
    """Check the lists from which a restore erases and restricts entries again."""
    asked = ServiceCommands(layout).ask("referrals", "verify-lists")
    words = " · ".join((asked.stdout.strip() or asked.stderr.strip()).splitlines())
    advice = (
        ""
        if asked.returncode == 0
        else said("put the list back from a second place or a backup (docs/operate.md)")
    )
    return Finding(said("lists for a restore"), words, advice)


def _second_places(layout: Layout) -> Iterator[Finding]:
    for place in lists.second_places(layout):
        away = not place.is_dir()
        found = said("it is missing") if away else said("there")
        advice = said(
            "mount it again: erasures and withdrawals are stored only on this machine. With RUTA_OPERATOR_MAIL and a mail relay, Ruta sends a daily e-mail about it"
        )
        yield Finding(said("second place {place}", place=place), found, advice if away else "")


def _missing_lists(layout: Layout) -> Iterator[Finding]:
    if missing := read_private_map(layout.missing_lists_file):
        yield _without_lists(
            missing,
            said(
                "erase and withdraw again what came back (docs/operate.md), then run ./ruta settle 'what was done'"
            ),
        )


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
    if not open_files:
        yield Finding(said("secret files"), said("only the owner can read them"))
        return
    found = said("other users can read: {files}", files=", ".join(open_files))
    yield Finding(
        said("secret files"), found, said("run chmod 600 on these files, then create new secrets")
    )


def _private_keys(layout: Layout) -> list[Path]:
    """Return all key files except published ones (JWKS) and lock files."""
    return [
        path
        for path in sorted(layout.keys.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and not path.name.endswith(("jwks.json", ".jsonl", ".before"))
    ]


def _keys(layout: Layout) -> Iterator[Finding]:
    for path in _private_keys(layout):
        days = (time.time() - path.stat().st_mtime) / _DAY
        advice = "" if days < _KEY_DAYS else "./ruta keys rotate"
        name = said("key {name}", name=path.relative_to(layout.keys))
        yield Finding(name, said("{days:.0f} days old", days=days), advice)


def _databases(layout: Layout, state: StackState) -> Iterator[Finding]:
    server = attached_postgres(layout, state)
    if not answers(state.ports["postgres"]):
        # skip the checks of this process and continue with the others
        up = said("is PostgreSQL running? See postgres/postgres.log")
        yield Finding(said("databases"), said("they are not responding"), up)
        return
    for name in SERVICES:
        dead = int(server.psql("SELECT count(*) FROM dead_letters", database=name) or 0)
        yield _dead_letters(name, dead, name)
    busy = server.psql("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL").strip()
    advice = "" if int(busy) < 160 else said("too many")
    yield Finding(said("database connections"), said("{busy} of 200", busy=busy), advice)
    yield from held_up(server, here=bool(state.processes))


def held_up(server: PostgresServer, *, here: bool, seconds: int = 10) -> Iterator[Finding]:
    """Yield sessions that block others. `here` means that the server's sessions are processes on this machine."""
    for line in server.psql(_HOLDS_UP.format(seconds=seconds)).split():
        pid, database, others, since = line.split("|")
        ends = f"kill {pid}" if here else f"SELECT pg_terminate_backend({pid})"
        yield Finding(
            said("session {pid} of {database}", pid=pid, database=database),
            said("{others} wait for it, open for {since} s", others=others, since=since),
            said("who left it open? {ends} undoes its work and ends it", ends=ends),
        )


def _dead_letters(where: str, dead: int, options: str) -> Finding:
    mend = said("correct the cause, then run ./ruta events dead-letters {options}", options=options)
    return Finding(said("dead letters of {where}", where=where), str(dead), mend if dead else "")


def _metrics(port: int | None) -> str:
    """Return the metrics of a process. Return an empty text if it does not respond, which another check reports."""
    try:
        return httpx.get(
            f"http://{LOOPBACK}:{port}/metrics", timeout=5, trust_env=False, verify=NO_AUTHORITIES
        ).text
    except httpx.TransportError:
        return ""


def _went_back(where: str, values: Mapping[tuple[str, ...], float]) -> Iterator[Finding]:
    if again := values.get(("ruta_record_went_back",)):
        yield Finding(
            said("record of {where}", where=where),
            said("it had lost {count:.0f} changes, which apply again", count=again),
            said("the database went back to an earlier state: docs/operate.md, RutaRecordWentBack"),
        )
    if lost := values.get(("ruta_audit_lost",)):
        yield Finding(
            said("audit of {where}", where=where),
            said("the database has lost {count:.0f} entries that the anchor knows", count=lost),
            said("the database went back to an earlier state: docs/operate.md, RutaRecordWentBack"),
        )


def _unheard(values: Mapping[tuple[str, ...], float]) -> Iterator[Finding]:
    for name, count in (
        ("emergencies", values.get(("ruta_emergencies_unheard",))),
        ("messages", values.get(("ruta_messages_unheard",))),
    ):
        if count is None:
            continue
        urgent = name == "emergencies"
        yield Finding(
            said("emergencies that reached nobody")
            if urgent
            else said("notices that Ruta stopped trying to send"),
            f"{count:.0f}",
            said(
                "have somebody call the recipient, then repair its channels: docs/operate.md, RutaEmergencyUnheard"
            )
            if count
            else "",
        )


def _values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _measured(where: str, service: str, text: str, log: str) -> Iterator[Finding]:
    """Check the event metrics of a process; `log` names its log file."""
    values = _values(text)
    age = values.get(("ruta_outbox_oldest_seconds",), 0.0)
    waiting = values.get(("ruta_outbox_unpublished",), 0.0)
    yield Finding(
        said("outbox of {where}", where=where),
        said("{waiting:.0f} are waiting, the oldest for {age:.0f} s", waiting=waiting, age=age),
        "" if age < _OUTBOX_SECONDS else said("is NATS running? See {log}", log=log),
    )
    limit = values.get(("ruta_stream_limit_bytes",), 0.0)
    if limit:
        full = values.get(("ruta_stream_bytes",), 0.0) / limit
        yield Finding(
            said("stream of {where}", where=where),
            said("{full:.0%} of {size:.0f} MiB", full=full, size=limit / 2**20),
            "" if full < _STREAM_FULL else said("raise RUTA_STREAM_MAX_BYTES before it is full"),
        )
    yield from _unheard(values)
    if values.get(("ruta_clock_doubted",)):
        nothing = said("nothing ends on its date")
        yield Finding(said("dates of {where}", where=where), nothing, known(clocks.DOUBTED))
    for key, value in values.items():
        if key[0] == "ruta_consumer_pending":
            stuck = said("{service} is slow or stuck. See {log}", service=service, log=log)
            yield Finding(
                said("{where} reads {stream}", where=where, stream=key[1]),
                said("{waiting:.0f} are waiting", waiting=value),
                "" if value < _LAG else stuck,
            )
