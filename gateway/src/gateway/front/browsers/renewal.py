"""Keeps a person signed in: a new access token before the old one ends, without the page's help.

Two tabs ask at the same moment, and each replica of the front does: here one request renews and the
others wait for it; the issuer gives replicas that use one refresh token the same successor.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from common.errors import UNAUTHENTICATED, Problem

from gateway.front.browsers.provider import Provider
from gateway.front.browsers.sessions import PersonSession
from gateway.front.trust.callers import Caller

BEFORE_SECONDS = 60
_REMEMBERED_SECONDS = 30


class Renewal:
    """`believe` verifies an access token like any other."""

    def __init__(self, provider: Provider, believe: Callable[[str], Awaitable[Caller]]) -> None:
        self._provider = provider
        self._believe = believe
        self._running: dict[bytes, asyncio.Task[PersonSession]] = {}

    async def fresh(self, session: PersonSession) -> PersonSession | None:
        """The session with an access token that still lives; None if the sign-in is over. A Problem
        other than 401 if the provider is away and the old token has ended."""
        now = time.time()
        if session.expires - now > BEFORE_SECONDS or not session.refresh_token:
            return session
        try:
            return await self.renewed(session)
        except Problem as problem:
            if problem.kind is UNAUTHENTICATED:
                return None
            if session.expires > now:
                return session
            raise

    async def renewed(self, session: PersonSession) -> PersonSession:
        """With new tokens: those of whoever asked for this session's first. 401 if it is over."""
        key = hashlib.sha256(session.refresh_token.encode()).digest()
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(session), name="renewal")
            self._running[key] = task
            task.add_done_callback(lambda done: self._remember(key, done))
        # A browser that goes away while it waits must not take the others' token with it.
        found = await asyncio.shield(task)
        return replace(
            session,
            access_token=found.access_token,
            refresh_token=found.refresh_token,
            expires=found.expires,
        )

    def _remember(self, key: bytes, done: asyncio.Task[PersonSession]) -> None:
        """What succeeded serves the requests that are still on their way with the old cookie."""
        failed = done.cancelled() or done.exception() is not None
        seconds = 0 if failed else _REMEMBERED_SECONDS
        asyncio.get_running_loop().call_later(seconds, self._running.pop, key, None)

    async def _renew(self, session: PersonSession) -> PersonSession:
        tokens: dict[str, Any] = await self._provider.refreshed(session.refresh_token)
        caller = await self._believe(tokens["access_token"])
        return replace(
            session,
            access_token=tokens["access_token"],
            refresh_token=str(tokens.get("refresh_token") or session.refresh_token),
            expires=caller.expires,
        )
