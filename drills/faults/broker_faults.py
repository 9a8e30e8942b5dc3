"""Faults of NATS: down, killed, stopped, wiped, full, repeating and reordering."""

import asyncio
import shutil
import signal
from functools import partial

import nats.errors
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from drills.faults.field import Field, fault
from drills.faults.stack_under_test import StackUnderTest

_STREAM = "RUTA_REFERRALS"
_NOTICED_SECONDS = 15.0
_DUPLICATE_WINDOW = 120.0


@fault("broker-down-at-start", "Broker down at start")
async def broker_down_at_start(field: Field) -> None:
    stack = field.stack
    await stack.hold_down("nats")
    names = ["referrals", "reporting", "directory"]
    former = {name: field.strike(name) for name in names}
    try:
        for name in names:
            await field.within(
                60, f"{name} starts without a broker", partial(_new, stack, name, former[name])
            )
        word = await stack.ready_word("referrals")
        field.require(word == "degraded", f"/readyz says '{word}' without a broker")
        made = await field.some_load(30, 20)
        field.require(made > 0, "no command was accepted without a broker")
        waiting = await stack.databases.number(
            "referrals", "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        )
        field.require(waiting > 0, "the outbox does not grow without a broker")
    finally:
        stack.release("nats")


async def _new(stack: StackUnderTest, name: str, former: int) -> bool:
    if stack.state.processes.get(name) == former:
        return False
    return await stack.ready_word(name) in ("degraded", "ok")


@fault("kill-broker-mid-publish", "kill -9 broker mid-publish")
async def kill_broker_mid_publish(field: Field) -> None:
    for _ in range(2):
        await field.some_load(field.rng.randint(20, 60), 10)
        field.strike("nats")
        await asyncio.sleep(field.rng.uniform(0.5, 2.0))


@fault("kill-broker-mid-fetch", "kill -9 broker mid-fetch")
async def kill_broker_mid_fetch(field: Field) -> None:
    await field.silence(1.0)
    former = field.strike("nats")
    await field.silence(1.0)
    await field.within(
        30, "the broker is back", lambda: field.stack.state.processes["nats"] != former
    )
    # Do not count the acknowledged position, because messages in progress at the kill arrive again after the ack wait.
    handled = "SELECT count(*) FROM inbox"
    before = await field.stack.databases.number("reporting", handled)

    async def more() -> bool:
        return await field.stack.databases.number("reporting", handled) > before

    await field.within(30, "a consumer resumes", more)


@fault("stop-broker", "SIGSTOP broker")
async def stop_broker(field: Field) -> None:
    field.strike("nats", signal.SIGSTOP)
    try:
        took = await field.within(
            _NOTICED_SECONDS,
            "a stopped broker is noticed",
            lambda: _degraded(field),
        )
        field.notes.append(f"noticed after {took:.1f} s")
        field.require(await field.some_load(20, 15) > 0, "commands wait for a stopped broker")
    finally:
        field.stack.signal("nats", signal.SIGCONT)


async def _degraded(field: Field) -> bool:
    return await field.stack.ready_word("referrals") == "degraded"


@fault("outage-over-two-minutes", "Outage > 2 min", every=10)
async def outage_over_two_minutes(field: Field) -> None:
    await field.stack.hold_down("nats")
    try:
        await asyncio.sleep(_DUPLICATE_WINDOW + 5)
        word = await field.stack.ready_word("referrals")
        field.require(word == "degraded", f"/readyz says '{word}' in a long outage")
    finally:
        field.stack.release("nats")
    await field.within(30, "clients did not give up", lambda: _is_word(field, "ok"))


async def _is_word(field: Field, word: str) -> bool:
    return await field.stack.ready_word("referrals") == word


@fault("outage-over-duplicate-window", "Outage > duplicate window", every=10)
async def outage_over_duplicate_window(field: Field) -> None:
    """Publish the outbox again after the broker has forgotten the ids, so that only the inbox recognises them."""
    await field.some_load(50)
    mark = "SELECT now()::text"
    since = (await field.stack.databases.fetch("referrals", mark))[0][0]
    await field.stack.hold_down("nats")
    await asyncio.sleep(_DUPLICATE_WINDOW + 5)
    field.stack.release("nats")
    await field.within(30, "the broker is back", lambda: _is_word(field, "ok"))
    before = await _messages(field)
    await field.stack.databases.fetch(
        "referrals",
        "UPDATE outbox SET published_at = NULL WHERE id IN (SELECT id FROM outbox WHERE"
        f" published_at < '{since}' ORDER BY occurred_at DESC LIMIT 300) RETURNING id",
    )
    await field.within(60, "events were published again", lambda: _drained(field))
    field.require(await _messages(field) > before, "the broker did not take the repeats")


async def _messages(field: Field) -> int:
    client, jetstream = await field.stack.bus()
    try:
        info = await jetstream.stream_info(_STREAM)
        return (
            int(info.state.last_seq or 0)
            if hasattr(info.state, "last_seq")
            else int(info.state.messages)
        )
    finally:
        await client.close()


async def _drained(field: Field) -> bool:
    waiting = await field.stack.databases.number(
        "referrals",
        "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        " AND occurred_at < now() - interval '3 seconds'",
    )
    return waiting == 0


@fault("broker-store-wiped", "Broker store wiped", every=5)
async def broker_store_wiped(field: Field) -> None:
    stack = field.stack
    await stack.hold_down("nats")
    await asyncio.sleep(1.0)
    await asyncio.to_thread(shutil.rmtree, stack.layout.nats / "jetstream", ignore_errors=True)
    stack.release("nats")
    await field.within(30, "the broker is back", lambda: _is_word(field, "ok"))
    for service in ("directory", "referrals"):
        done = await stack.run("events", "republish", service)
        field.require(done.returncode == 0, f"republish failed: {done.stderr[-200:]}")


@fault("redelivery-reorders", "Redelivery reorders")
async def redelivery_reorders(field: Field) -> None:
    """Deliver the last minute's events again in random order; some arrive for the first time."""
    stack = field.stack
    names = stack.names("reporting")
    former = {name: stack.state.processes[name] for name in names}
    for name in names:
        await stack.hold_down(name)
    await field.some_load(80, 15)
    rows = await stack.databases.fetch(
        "referrals",
        "SELECT id, type FROM outbox WHERE published_at IS NOT NULL AND published_at > now() -"
        " interval '1 minute' ORDER BY occurred_at DESC LIMIT 400",
    )
    messages = await _stored(field, {str(row["id"]) for row in rows})
    field.rng.shuffle(messages)
    client, jetstream = await stack.bus()
    try:
        for number, (subject, data) in enumerate(messages):
            # With a new message id the broker accepts the message as new, as it does after its window.
            headers = {"Nats-Msg-Id": f"again-{field.rng.getrandbits(64):x}-{number}"}
            await jetstream.publish(subject, data, headers=headers)
    finally:
        await client.close()
        for name in names:
            stack.release(name)
    for name in names:
        await field.within(60, f"{name} is back", partial(_new, stack, name, former[name]))


async def _stored(field: Field, ids: set[str]) -> list[tuple[str, bytes]]:
    """Return the stream's copies of these events."""
    client, jetstream = await field.stack.bus()
    found = []
    try:
        info = await jetstream.stream_info(_STREAM)
        last = int(info.state.last_seq or 0)
        for sequence in range(max(1, last - 500), last + 1):
            try:
                message = await jetstream.get_msg(_STREAM, sequence)
            except NotFoundError:
                continue
            headers = message.headers or {}
            if headers.get("Nats-Msg-Id") in ids:
                found.append((str(message.subject), bytes(message.data or b"")))
    finally:
        await client.close()
    return found


@fault("poison-event", "Poison event")
async def poison_event(field: Field) -> None:
    databases = field.stack.databases
    count = "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"
    client, jetstream = await field.stack.bus()
    marker = f"poison-{field.rng.getrandbits(48):x}"
    try:
        for data in (b"not json", b'{"specversion":"1.0"}'):
            await jetstream.publish(
                "ruta.referrals.referral.sent.v1",
                data,
                headers={"Nats-Msg-Id": f"{marker}-{len(data)}"},
            )
    finally:
        await client.close()

    async def visible() -> bool:
        return await databases.number("reporting", count) >= 2

    # The message comes after everything that already waits, and a busy reader may be minutes behind.
    await field.within(300, "poison becomes a visible dead letter", visible)
    field.require(await field.some_load(30, 20) > 0, "poison stops the others")
    replayed = await field.stack.run("events", "dead-letters", "reporting")
    field.notes.append(f"replay of poison: exit {replayed.returncode}")
    rows = await databases.fetch(
        "reporting",
        f"DELETE FROM dead_letters WHERE event_id LIKE '{marker}%' RETURNING event_id",
    )
    field.require(len(rows) == 2, f"{len(rows)} dead letters instead of 2")


@fault("dead-letters-replayed", "Poison event: dead letter replayable", every=10)
async def dead_letters_replayed(field: Field) -> None:
    """Block reporting's writes for a while, so that its events become dead letters, then replay them."""
    databases = field.stack.databases
    count = "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"
    await databases.fetch(
        "reporting", "REVOKE INSERT ON projection.referral_steps FROM reporting_app"
    )

    async def visible() -> bool:
        return await databases.number("reporting", count) > 0

    try:
        await field.within(90, "refused events become dead letters", visible)
    finally:
        await databases.fetch(
            "reporting", "GRANT INSERT ON projection.referral_steps TO reporting_app"
        )

    async def resolved() -> bool:
        await field.stack.run("events", "dead-letters", "reporting")
        return await databases.number("reporting", count) == 0

    await field.within(120, "dead letters are replayed", resolved)


@fault("consumer-config-changed", "Consumer config changed")
async def consumer_config_changed(field: Field) -> None:
    client, jetstream = await field.stack.bus()
    try:
        info = await jetstream.consumer_info(_STREAM, "reporting")
        wanted = info.config
        changed = ConsumerConfig(**{**wanted.__dict__, "ack_wait": 7})
        await jetstream.add_consumer(_STREAM, changed)
    finally:
        await client.close()
    field.strike("nats")

    async def applied() -> bool:
        try:
            client, jetstream = await field.stack.bus()
        except (OSError, nats.errors.Error):
            return False
        try:
            now = await jetstream.consumer_info(_STREAM, "reporting")
            return bool(now.config.ack_wait == wanted.ack_wait)
        except nats.errors.Error:
            return False
        finally:
            await client.close()

    await field.within(60, "the broker's operator applies the configuration", applied)


@fault("stream-full", "Stream full")
async def stream_full(field: Field) -> None:
    client, jetstream = await field.stack.bus()
    try:
        info = await jetstream.stream_info(_STREAM)
        config = info.config
        limit = config.max_bytes
        config.max_bytes = max(int(info.state.bytes), 1)
        await jetstream.update_stream(config)

        async def waits() -> bool:
            # Only one replica's relay publishes, so the other replica's metric is empty.
            ages = [
                await field.stack.metric(name, "ruta_outbox_oldest_seconds")
                for name in field.stack.names("referrals")
            ]
            return max(ages) > 1

        await field.within(20, "the age of the outbox tells of a full stream", waits)
        field.require(await field.some_load(20, 15) > 0, "commands fail on a full stream")
        config.max_bytes = limit
        await jetstream.update_stream(config)
    finally:
        await client.close()
