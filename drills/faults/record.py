"""Reads what the stack contains after a run: rows, history, audit, events, notices and projections."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from common.events.directory import SightChanged
from stack.embedded.postgres import PostgresServer

from drills.faults.checker import Change, Layer
from drills.faults.expected_counts import Ended
from drills.faults.load import ORGANISATIONS

_CLIENT_OF = {organisation: client for client, organisation in ORGANISATIONS.items()}
_NO_STATE_CHANGE = frozenset({"confirm", "suggest"})

UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a question to a server that is just starting ends with."""


@dataclass
class Record:
    """The stack's content. `baseline` contains the numbers before the load, so that only its effects count.
    `ended_before` contains notices whose receiver could no longer read the subject at sending time."""

    changes: list[Change] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    notices: list[Any] = field(default_factory=list)
    ended_before: set[Any] = field(default_factory=set)


@dataclass(frozen=True)
class Baseline:
    """The services' versions before the load."""

    versions: dict[str, int]


class Databases:
    """Superuser connections, from which row-level security hides nothing."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    async def fetch(self, database: str, sql: str, *values: Any) -> list[Any]:
        connection = await self.connect(database)
        try:
            rows: list[Any] = await connection.fetch(sql, *values)
            return rows
        finally:
            await connection.close()

    async def connect(self, database: str) -> Any:
        dsn = self._server.admin_dsn.rsplit("/", 1)[0] + f"/{database}"
        return await asyncpg.connect(dsn, timeout=60)

    async def number(self, database: str, sql: str) -> int:
        rows = await self.fetch(database, sql)
        return int(rows[0][0])


async def baseline(databases: Databases) -> Baseline:
    rows = await databases.fetch("directory", "SELECT id, version FROM services")
    return Baseline({str(row["id"]): row["version"] for row in rows})


async def read_record(databases: Databases, before: Baseline) -> Record:
    record = Record()
    await _cases_and_consents(databases, record)
    await _referrals(databases, record)
    await _transfers(databases, record)
    await _directory(databases, record, before)
    record.waiting = await waiting(databases)
    record.notices = await databases.fetch(
        "referrals", "SELECT id, organisation_id, kind, subject_id, version FROM notices"
    )
    record.ended_before = {row["id"] for row in await databases.fetch("referrals", _ENDED_BEFORE)}
    return record


# A notice is dropped if sharing with its receiver ended before or just after it (decision 0179).
_ENDED_BEFORE = """
    SELECT n.id FROM notices n
    JOIN webhook_deliveries d ON d.notice_id = n.id AND d.status = 'access_ended'
    JOIN referrals r ON r.id = n.subject_id AND r.to_organisation = n.organisation_id
    JOIN snapshots s ON s.referral_id = r.id AND s.revoked_at > n.at
"""


async def waiting(databases: Databases) -> dict[str, int]:
    """Return the numbers of waiting unpublished events, deliveries and dead letters."""
    found = {}
    for service in ("directory", "referrals", "reporting"):
        found[f"outbox of {service}"] = await databases.number(
            service, "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        )
        found[f"dead letters of {service}"] = await databases.number(
            service, "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"
        )
    found["notices to fan out"] = await databases.number(
        "referrals", "SELECT count(*) FROM notices WHERE fanned_out_at IS NULL"
    )
    found["webhook deliveries"] = await databases.number(
        "referrals",
        "SELECT count(*) FROM webhook_deliveries WHERE status NOT IN ('delivered', 'access_ended')",
    )
    return found


async def _cases_and_consents(databases: Databases, record: Record) -> None:
    audit, events = Layer("audit of cases and consents"), Layer("events of cases and grants")
    for row in await databases.fetch("referrals", "SELECT id, created_by FROM cases"):
        case = str(row["id"])
        record.changes.append(Change("case.register", case, 1, row["created_by"]))
        audit.expect(case, "case.registered")
        events.expect(case, "case.registered")
    for row in await databases.fetch(
        "referrals", "SELECT id, kind, status, requested_by, organisation_id FROM grants"
    ):
        grant, client = str(row["id"]), row["requested_by"]
        record.changes.append(Change("consent.record", grant, 1, client))
        audit.expect(grant, "consent.recorded")
        if row["kind"] != "transfer":
            events.expect(grant, "grant.given")
        if row["status"] == "withdrawn":
            audit.expect(grant, "consent.withdrawn")
            if row["kind"] != "transfer":
                events.expect(grant, "grant.withdrawn")
    for row in await databases.fetch(
        "referrals",
        "SELECT target_id, action, client FROM audit_entries WHERE action IN"
        " ('case.registered', 'consent.recorded', 'consent.withdrawn')",
    ):
        audit.see(str(row["target_id"]), row["action"])
        if row["action"] == "consent.withdrawn":
            grant = str(row["target_id"])
            record.changes.append(Change("consent.withdraw", grant, 2, row["client"]))
    for row in await databases.fetch(
        "referrals",
        "SELECT aggregateid, type FROM outbox WHERE type LIKE 'ruta.referrals.grant.%'"
        " OR type = 'ruta.referrals.case.registered.v1'",
    ):
        events.see(row["aggregateid"], _short(row["type"]))
    record.layers += [audit, events]


async def _referrals(databases: Databases, record: Record) -> None:
    audit, events = Layer("audit of referrals"), Layer("events of referrals")
    notices, projection = Layer("notices of referrals"), Layer("steps in reporting")
    rows = await databases.fetch("referrals", "SELECT * FROM referrals")
    referrals = {str(row["id"]): row for row in rows}
    sent: set[str] = set()
    for step in await databases.fetch(
        "referrals",
        "SELECT referral_id, version, command, to_state, client FROM referral_steps"
        " ORDER BY referral_id, version",
    ):
        _expect_step(step, sent, record, audit, events, notices)
    for target, row in referrals.items():
        if target in sent:
            record.ended.append(Ended(row["aor"], row["state"], row["outcome"]))
    await _see_referrals(databases, audit, events, notices)
    for key, count in events.found.items():
        projection.expected[key[:2]] += count
    for row in await databases.fetch(
        "reporting", "SELECT referral_id, version FROM projection.referral_steps"
    ):
        projection.see(str(row["referral_id"]), row["version"])
    states = Layer("states in reporting")
    announced = {key[0] for key in events.expected}
    for target, row in referrals.items():
        if target in announced:
            states.expect(target, row["state"])
    for row in await databases.fetch(
        "reporting", "SELECT referral_id, state FROM projection.referral_facts"
    ):
        states.see(str(row["referral_id"]), row["state"])
    record.layers += [audit, events, notices, projection, states]


def _expect_step(
    step: Any, sent: set[str], record: Record, audit: Layer, events: Layer, notices: Layer
) -> None:
    target, version = str(step["referral_id"]), step["version"]
    command, state = step["command"], step["to_state"]
    client = step["client"]
    record.changes.append(Change(f"referral.{command}", target, version, client))
    if command == "draft":
        audit.expect(target, "referral.draft")
        return
    if command == "send":
        sent.add(target)
    if command.startswith("escalate-"):
        what = command.removeprefix("escalate-")
        audit.expect(target, f"escalation.{what}")
        events.expect(target, version, "escalation.raised")
        notices.expect(target, version)
        return
    what = command if command in _NO_STATE_CHANGE else state
    audit.expect(target, f"referral.{what}", version)
    if command != "suggest":
        events.expect(target, version, f"referral.{'confirmed' if command == 'confirm' else state}")
    for _ in range(2 if target in sent else 1):
        notices.expect(target, version)


async def _see_referrals(databases: Databases, audit: Layer, events: Layer, notices: Layer) -> None:
    for row in await databases.fetch(
        "referrals",
        "SELECT target_id, action, (detail->>'version')::bigint AS version FROM audit_entries"
        " WHERE target_type = 'referral' AND action <> 'disclosure.read'",
    ):
        target, action = str(row["target_id"]), row["action"]
        if row["version"] is None:
            audit.see(target, action)
        else:
            audit.see(target, action, row["version"])
    for row in await databases.fetch(
        "referrals",
        "SELECT aggregateid, version, type FROM outbox WHERE aggregatetype = 'referral'",
    ):
        events.see(row["aggregateid"], row["version"], _short(row["type"]))
    for row in await databases.fetch(
        "referrals",
        "SELECT subject_id, version FROM notices WHERE subject_type = 'referral'"
        " AND kind NOT IN ('referral.sharing_ended', 'referral.service_unavailable')"
        " AND kind NOT LIKE 'referral.service%'",
    ):
        notices.see(str(row["subject_id"]), row["version"])


async def _transfers(databases: Databases, record: Record) -> None:
    audit, events, notices = (
        Layer("audit of transfers"),
        Layer("events of transfers"),
        Layer("notices of transfers"),
    )
    for row in await databases.fetch(
        "referrals", "SELECT id, state, version, offered_by, decided_by FROM transfers"
    ):
        target = str(row["id"])
        steps = [("offer", "offered", 1, row["offered_by"])]
        if row["state"] != "offered":
            verb = {"accepted": "accept", "declined": "decline", "recalled": "recall"}[row["state"]]
            steps.append((verb, row["state"], 2, row["decided_by"]))
        for verb, state, version, client in steps:
            record.changes.append(Change(f"transfer.{verb}", target, version, client))
            audit.expect(target, f"transfer.{state}")
            events.expect(target, version, f"transfer.{state}")
            notices.expect(target, f"transfer.{state}")
            notices.expect(target, f"transfer.{state}")
    for row in await databases.fetch(
        "referrals", "SELECT target_id, action FROM audit_entries WHERE target_type = 'transfer'"
    ):
        audit.see(str(row["target_id"]), row["action"])
    for row in await databases.fetch(
        "referrals",
        "SELECT aggregateid, version, type FROM outbox WHERE aggregatetype = 'transfer'",
    ):
        events.see(row["aggregateid"], row["version"], _short(row["type"]))
    for row in await databases.fetch(
        "referrals", "SELECT subject_id, kind FROM notices WHERE subject_type = 'transfer'"
    ):
        notices.see(str(row["subject_id"]), row["kind"])
    record.layers += [audit, events, notices]


async def _directory(databases: Databases, record: Record, before: Baseline) -> None:
    events = Layer("events of services")
    known, restricted = Layer("services in referrals"), Layer("restrictions of services")
    rows = await databases.fetch(
        "directory", "SELECT id, version, event_version, organization_id, announced FROM services"
    )
    for row in rows:
        target = str(row["id"])
        client = _CLIENT_OF.get(str(row["organization_id"]), "im-officer")
        if target in before.versions:
            for version in range(before.versions[target] + 1, row["version"] + 1):
                record.changes.append(Change("service.capacity", target, version, client))
        for version in range(1, row["event_version"] + 1):
            events.expect(target, version)
    for row in await databases.fetch(
        "directory",
        "SELECT external_id FROM external_ids WHERE source LIKE '%:faults' AND kind = 'service'",
    ):
        record.changes.append(Change("service.import", row["external_id"], 1, "im-officer"))
    last: dict[tuple[str, bool], int] = {}
    for row in await databases.fetch(
        "directory", "SELECT aggregateid, version, type FROM outbox WHERE aggregatetype = 'service'"
    ):
        events.see(row["aggregateid"], row["version"])
        of = row["aggregateid"], row["type"] == SightChanged.SUBJECT
        last[of] = max(row["version"], last.get(of, 0))
    for (target, is_sight), version in last.items():
        (restricted if is_sight else known).expect(target, version)
    for row in await databases.fetch(
        "referrals",
        "SELECT service_id, GREATEST(version, state_version) AS version FROM directory_services",
    ):
        known.see(str(row["service_id"]), row["version"])
    for row in await databases.fetch(
        "referrals", "SELECT subject_id, version FROM restrictions WHERE kind = 'service'"
    ):
        restricted.see(str(row["subject_id"]), row["version"])
    record.layers += [events, known, restricted]


def webhook_layer(record: Record, hooked: set[str], received: Counter[tuple[str, str]]) -> Layer:
    """Check that each notice reached its organisation's webhook with one id per change, unless access had ended before.

    A receiver drops repeats by id, so repeated calls with one id count once. `received` counts calls by (organisation,
    message id).
    """
    layer = Layer("webhooks received")
    for notice in record.notices:
        if str(notice["organisation_id"]) in hooked and notice["id"] not in record.ended_before:
            layer.expect(str(notice["organisation_id"]), f"msg_{notice['id']}")
    for organisation, message in received:
        layer.see(organisation, message)
    return layer


def _short(subject: str) -> str:
    """`ruta.referrals.referral.sent.v1` → `referral.sent`."""
    return ".".join(subject.split(".")[2:-1])
