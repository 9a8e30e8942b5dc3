"""A JetStream pull request that stays open, so that each message arrives as soon as it is stored.

The client library's `fetch` requests, waits, and requests again; nothing arrives in between. Here, one request stays
open until it is used up or expires. Reads of a whole stream use batches instead, because `fetch` would create a task
and a timer for each message. These take two thirds of the time to read it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import NotFoundError

BATCH = 100
STANDING_SECONDS = 5.0
_GRACE_SECONDS = 2.0
_RAN_OUT = ("404", "408")


class Pull:
    """Reads the messages of one durable consumer. Created by `pulling`."""

    def __init__(self, client: Client, stream: str, durable: str) -> None:
        self._client = client
        self._question = _question(stream, durable)
        self.inbox = client.new_inbox()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._expected = 0
        self._ahead: Msg | None = None  # taken from the queue but not yet returned

    async def arrive(self, message: Msg) -> None:
        self._arrived.put_nowait(message)

    def end(self) -> None:
        """Make `next` return at once, now and later."""
        self._arrived.put_nowait(None)

    async def next(self) -> Msg | None:
        """Return the next message. Return None if no message arrives within five seconds, or after the end. Raise
        NotFoundError if the consumer or its stream is gone, and TimeoutError if the broker does not respond."""
        if self._expected == 0:
            await self._ask()
        message: Msg | None = self._ahead
        self._ahead = None
        if message is None:
            async with asyncio.timeout(STANDING_SECONDS + _GRACE_SECONDS):
                message = await self._arrived.get()
        if message is None:
            self.end()
            return None
        status = _status(message)
        if status is None:
            self._expected -= 1
            return message
        self._expected = 0
        _fail_unless_it_ran_out(message)
        return None

    def arrived(self, most: int) -> list[Msg]:
        """Return at most `most` messages that have already arrived, without waiting."""
        found: list[Msg] = []
        while self._ahead is None and len(found) < most and not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is None:
                self.end()
                break
            if _status(message) is not None:
                self._ahead = message  # the end of this pull request; `next` handles it
                break
            self._expected -= 1
            found.append(message)
        return found

    async def _ask(self) -> None:
        self._expected = BATCH
        question = {"batch": BATCH, "expires": int(STANDING_SECONDS * 1e9)}
        await self._client.publish(self._question, json.dumps(question).encode(), self.inbox)


class Gathering:
    """Reads a consumer in batches, without acknowledgements."""

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._question = _question(stream, consumer)
        self._inbox = client.new_inbox()
        self._arrived: list[Msg] = []
        self._told: Msg | None = None
        self._most = 0
        self._complete = asyncio.Event()
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._arrive)

    async def close(self) -> None:
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def batch(self, most: int, seconds: float) -> list[Msg]:
        """Return at most `most` available messages, in order. After `seconds`, return those that have arrived. Raise
        NotFoundError if the consumer or its stream is gone."""
        self._most, self._told = most, None
        self._complete.clear()
        question = {"batch": most, "no_wait": True}
        await self._client.publish(self._question, json.dumps(question).encode(), self._inbox)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._complete.wait()
        if self._told is not None:
            _fail_unless_it_ran_out(self._told)
        arrived, self._arrived = self._arrived, []
        return arrived

    async def _arrive(self, message: Msg) -> None:
        if _status(message) is not None:
            self._told = message
            self._complete.set()
            return
        self._arrived.append(message)
        if len(self._arrived) >= self._most:
            self._complete.set()


def _question(stream: str, consumer: str) -> str:
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


def _fail_unless_it_ran_out(message: Msg) -> None:
    status = _status(message)
    if status in _RAN_OUT:
        return
    if status == "503" or "Deleted" in (message.headers or {}).get("Description", ""):
        raise NotFoundError
    raise nats.errors.Error(f"pull ended with status {status}")


def _status(message: Msg) -> str | None:
    """Return the broker's status for the pull request, or None for an ordinary message."""
    return (message.headers or {}).get("Status")


@asynccontextmanager
async def pulling(
    client: Client, stream: str, durable: str, stop: asyncio.Event
) -> AsyncIterator[Pull]:
    """Yield a pull that ends with the block or when `stop` is set. Messages that arrived but were not handled are
    redelivered after the ack wait."""
    pull = Pull(client, stream, durable)
    subscription = await client.subscribe(pull.inbox, cb=pull.arrive)

    async def watch() -> None:
        await stop.wait()
        pull.end()

    watching = asyncio.create_task(watch())
    try:
        yield pull
    finally:
        watching.cancel()
        with contextlib.suppress(Exception):  # the block may end because the connection failed
            await subscription.unsubscribe()
