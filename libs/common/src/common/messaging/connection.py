"""The connection to NATS. It is opened in the background and retried forever. No request waits for it."""

import asyncio
import contextlib
import json
from datetime import datetime
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from common.process.certificates import remedy, trusting
from common.process.logs import get_logger
from common.settings import BrokerSettings
from common.words.command_texts import Worded

_log = get_logger(__name__)
_RETRY_SECONDS = 1.0
_CONNECT_SECONDS = 5.0


class BrokerDown(Worded, ConnectionError):
    """NATS is currently unreachable, so events wait in the outbox."""


class Broker:
    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._connecting: asyncio.Task[None] | None = None
        self.generation = 0  # increases with each (re)connection

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    @property
    def is_used(self) -> bool:
        """Return whether this process uses NATS. Only the relay and consumers do; an API process with a separate worker
        does not."""
        return self._connecting is not None

    async def start(self) -> None:
        """Start connecting and return at once (nats.connect may block for eight seconds)."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="broker-connect")

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
            self._connecting = None
        if self._client is not None:
            with contextlib.suppress(Exception):  # a dead connection cannot be drained
                await asyncio.wait_for(self._client.drain(), 5)
            if not self._client.is_closed:
                # After a failed TLS handshake, the library waits indefinitely for the connection to close.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._client.close(), 5)
            self._client = self._jetstream = None

    def client(self) -> Client:
        """Return the live connection. Raise BrokerDown if there is none."""
        if not self.connected or self._client is None:
            raise BrokerDown("there is no connection to NATS")
        return self._client

    async def jetstream(self) -> JetStreamContext:
        """Return JetStream on the live connection. Raise BrokerDown if there is none."""
        client = self.client()
        if self._jetstream is None:
            self._jetstream = client.jetstream(timeout=5)
        return self._jetstream

    async def seconds(self, stream: str) -> float | None:
        """Return the server's time in the response to a stream query, or None if it is missing."""
        try:
            answer = await self.client().request(f"$JS.API.STREAM.INFO.{stream}", timeout=2)
            return datetime.fromisoformat(json.loads(answer.data)["ts"]).timestamp()
        except (ConnectionError, nats.errors.Error, ValueError, KeyError):
            return None

    async def _connect(self) -> None:
        while self._client is None:
            try:
                self._client = await asyncio.wait_for(nats.connect(**self._options()), 30)
                self.generation += 1
                _log.info("broker_connected")
            except Exception as error:  # noqa: BLE001 - any failure to connect is tried again
                self._say("broker_unreachable", error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _options(self) -> dict[str, Any]:
        user = self._settings.broker_user
        return {
            "servers": self._settings.nats_url.split(","),
            "user": user,
            "password": self._settings.nats_password.get_secret_value(),
            "name": f"ruta-{self._settings.service}",
            "inbox_prefix": f"_INBOX.{user}".encode(),
            "connect_timeout": _CONNECT_SECONDS,
            "allow_reconnect": True,
            "max_reconnect_attempts": -1,  # the default gives up after two minutes
            "reconnect_time_wait": _RETRY_SECONDS,
            "ping_interval": 2,  # notice a stopped broker in seconds instead of four minutes
            "max_outstanding_pings": 2,
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnect,
            "reconnected_cb": self._on_reconnect,
            **self._by_certificate(),
        }

    def _by_certificate(self) -> dict[str, Any]:
        """Start with TLS at once. Otherwise, if a server claims in plain text that it needs no TLS, the library
        believes it and sends it the password."""
        context = trusting(self._settings)
        return {} if context is None else {"tls": context, "tls_handshake_first": True}

    def _say(self, what: str, error: Exception) -> None:
        _log.warning(
            what,
            setting="RUTA_NATS_URL",
            reason=type(error).__name__,
            **remedy(error, self._settings),
        )

    async def _on_error(self, error: Exception) -> None:
        self._say("broker_error", error)

    async def _on_disconnect(self) -> None:
        _log.warning("broker_disconnected")

    async def _on_reconnect(self) -> None:
        self.generation += 1
        _log.info("broker_reconnected")
