"""Blocks requests until the keys match the stored data."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from common.db import key_checks
from common.db.errors import OF_DATABASE, remedy
from common.db.key_checks import KeysAway, NotMigrated, WrongKeys
from common.http.context import ServiceContext
from common.http.problems import WITHOUT_KEYS, problem_response
from common.process.logs import get_logger

_log = get_logger(__name__)
_AGAIN_SECONDS = 1.0
_OPEN_TO_ALL = frozenset({"/healthz", "/readyz", "/metrics"})


class KeyGate:
    """A gate that is closed from the start of a process until its keys are verified. A process may start before its
    database. It then retries and blocks requests until its keys are verified."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._open = asyncio.Event()
        self.shut = (
            False  # an app that was never started (in tests or operator commands) has no gate
        )

    async def verify(self) -> None:
        """Verify the keys. Raise WrongKeys, NotMigrated, or the error of an unavailable database."""
        await key_checks.verify(self._context.database, self._context.settings.data_keys())
        await self.look()

    async def look(self) -> None:
        """Verify the keys in files again. `/readyz` calls this."""
        for holder in self._context.key_holders:
            await holder.verify()

    async def look_once(self) -> None:
        """Run `verify` on its own event loop, before the server has one. Raise only WrongKeys."""
        try:
            with contextlib.suppress(NotMigrated, *OF_DATABASE):
                await self.verify()
        finally:
            await self._context.database.close()
            for holder in self._context.key_holders:
                await holder.close()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Block requests until the keys are verified. If keys turn out to be wrong later, end the process."""
        self.shut = True
        opening = asyncio.create_task(self._open_when_right(), name="key-gate")
        try:
            # If the database responds at once, the gate is open for the first request.
            await asyncio.wait({opening}, timeout=_AGAIN_SECONDS)
            yield
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def opened(self, stop: asyncio.Event) -> None:
        """Wait until the gate is open or the process stops."""
        waiting = {asyncio.create_task(self._open.wait()), asyncio.create_task(stop.wait())}
        _, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()

    async def _open_when_right(self) -> None:
        while True:
            try:
                await self.verify()
            except WrongKeys as error:
                _log.critical("wrong_keys", reason=str(error))
                signal.raise_signal(signal.SIGTERM)
                return
            except (NotMigrated, *OF_DATABASE) as error:
                reason = str(error) if isinstance(error, KeysAway) else type(error).__name__
                _log.warning("keys_not_compared_yet", reason=reason, **remedy(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self.shut = False
                self._open.set()
                return


class KeyGateMiddleware:
    """Returns 503 while the gate is closed, except for health and metrics."""

    def __init__(self, app: ASGIApp, gate: KeyGate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._gate.shut and scope["type"] == "http" and scope["path"] not in _OPEN_TO_ALL:
            await problem_response(WITHOUT_KEYS)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def key_gate_of(app: FastAPI) -> KeyGate:
    gate: KeyGate = app.state.key_gate
    return gate
