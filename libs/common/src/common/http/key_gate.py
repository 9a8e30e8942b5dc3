"""Nothing is served before the keys have been compared with the data that was written with them."""

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
    """Shut from the start of a process until its keys are known to be the right ones.

    A process may start before its database: then it looks again, and lets nothing pass meanwhile.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._open = asyncio.Event()
        self.shut = False  # an app that was never started (tests, operators' commands) has no gate

    async def verify(self) -> None:
        """WrongKeys, NotMigrated, or what an absent database raises."""
        await key_checks.verify(self._context.database, self._context.settings.data_keys())
        await self.look()

    async def look(self) -> None:
        """Whether the keys that lie in files still are the right ones: asked at `/readyz`."""
        for holder in self._context.key_holders:
            await holder.verify()

    async def look_once(self) -> None:
        """`verify` on an event loop of its own, before the server has one; WrongKeys only."""
        try:
            with contextlib.suppress(NotMigrated, *OF_DATABASE):
                await self.verify()
        finally:
            await self._context.database.close()
            for holder in self._context.key_holders:
                await holder.close()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Shut until verified; what turns out to be wrong later ends the process."""
        self.shut = True
        opening = asyncio.create_task(self._open_when_right(), name="key-gate")
        try:
            # If the database answers, the gate is open for the first request.
            await asyncio.wait({opening}, timeout=_AGAIN_SECONDS)
            yield
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def opened(self, stop: asyncio.Event) -> None:
        """Wait until the gate is open, or until the process stops."""
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
    """503 while the gate is shut; health and metrics tell on."""

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
