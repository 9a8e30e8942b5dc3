"""Faults of the relay and the consumers, each at the worst moment, caused by real locks and signals."""

import asyncio
import signal
from typing import Any

from drills.faults.field import Field, fault

_RELAY = (
    "SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'ruta-referrals-relay'"
)


async def leader(field: Field) -> str | None:
    """Return the process whose relay publishes the events of referrals."""
    rows = await field.stack.databases.fetch("referrals", _RELAY)
    return field.stack.at_port(rows[0][0]) if rows else None


@fault("kill-relay-before-mark", "kill -9 relay between publish and mark")
async def kill_relay_before_mark(field: Field) -> None:
    """Lock waiting rows, so that the relay can publish them but cannot mark them."""
    stack = field.stack

    async def leads() -> bool:
        return await leader(field) is not None

    await field.within(20, "a relay leads", leads)
    name = await leader(field) or field.rng.choice(stack.names("referrals"))
    field.strike("nats", signal.SIGSTOP)
    connection: Any = None
    try:
        await field.some_load(40, 15)
        connection = await stack.databases.connect("referrals")
        transaction = connection.transaction()
        await transaction.start()
        locked = await connection.fetch(
            "SELECT id FROM outbox WHERE published_at IS NULL FOR UPDATE SKIP LOCKED"
        )
    finally:
        stack.signal("nats", signal.SIGCONT)
    if not locked:
        await transaction.rollback()
        await connection.close()
        field.require(locked, "nothing waited to be published: not exercised")
        return

    async def blocked() -> bool:
        rows = await stack.databases.fetch(
            "referrals",
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query ILIKE 'UPDATE outbox SET published_at%'",
        )
        return bool(rows)

    await field.within(20, "the relay waits to mark what it published", blocked)
    name = await leader(field) or name
    field.strike(name)
    await transaction.rollback()
    await connection.close()
    field.notes.append(f"{len(locked)} published, unmarked")


@fault("kill-consumer-before-ack", "kill -9 consumer between commit and ack")
async def kill_consumer_before_ack(field: Field) -> None:
    """Stop the broker, so that effects commit but acknowledgements cannot be sent. Then kill the consumer."""
    stack = field.stack
    await field.some_load(30, 10)
    count = "SELECT count(*) FROM inbox"
    field.strike("nats", signal.SIGSTOP)
    try:
        before = -1
        while (now := await stack.databases.number("reporting", count)) != before:
            before = now
            await asyncio.sleep(0.3)
        unread = "SELECT count(*) FROM outbox WHERE published_at > now() - interval '1 minute'"
        field.require(
            before > 0 and await stack.databases.number("referrals", unread),
            "no effect waited for its acknowledgement: not exercised",
        )
        for name in stack.names("reporting"):
            field.strike(name)
    finally:
        stack.signal("nats", signal.SIGCONT)


@fault("slow-handler", "Handler slower than ack_wait", every=5)
async def slow_handler(field: Field) -> None:
    """Make reporting's handlers wait for locks longer than the broker waits for them."""
    databases = field.stack.databases
    first = await databases.connect("reporting")
    second = await databases.connect("reporting")
    try:
        one, two = first.transaction(), second.transaction()
        await one.start()
        await two.start()
        await first.execute("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE")
        await second.execute("LOCK TABLE projection.referral_steps IN SHARE ROW EXCLUSIVE MODE")
        await asyncio.sleep(20)
        waiting = await databases.number(
            "reporting",
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = 'reporting'",
        )
        field.require(waiting, "no handler waited for the lock: not exercised")
        await one.rollback()
        await asyncio.sleep(18)
        await two.rollback()
    finally:
        await first.close()
        await second.close()


@fault("stop-consumer", "Handler slower than ack_wait (the process stood still)", every=5)
async def stop_consumer(field: Field) -> None:
    """Stop one replica in the middle of its work. Another takes over, then the first continues."""
    name = field.rng.choice(field.stack.names("reporting"))
    field.strike(name, signal.SIGSTOP)
    try:
        await asyncio.sleep(33)
    finally:
        field.stack.signal(name, signal.SIGCONT)


@fault("kill-service", "kill -9 service (requests in flight)")
async def kill_service(field: Field) -> None:
    for name in field.rng.sample(["referrals", "directory", "gateway"], 2):
        await field.some_load(20, 10)
        field.strike(name)


@fault("terminate-service", "SIGTERM under load")
async def terminate_service(field: Field) -> None:
    """Terminate a service. Accepted requests must finish, and no response may be cut off."""
    await field.some_load(20, 10)
    name = field.rng.choice(field.stack.names("referrals"))
    former = field.strike(name, signal.SIGTERM)
    await field.within(
        60, f"{name} ended and came back", lambda: field.stack.state.processes[name] != former
    )


@fault("calm", "No fault (control)", every=10)
async def calm(field: Field) -> None:
    """Run the same load and checks without a fault; the harness must find nothing."""
