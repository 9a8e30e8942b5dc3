"""The keys that verify access tokens: the issuer's JWKS, found by discovery.

Known keys stay valid up to a maximum age while the issuer is unavailable. An unknown key id triggers a reload, so that
a rotation is noticed at once. Only a few unknown ids can trigger one, so that no client can cause endless reloads.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from common import json_once
from common.auth import KeySet
from common.process.logs import get_logger
from common.process.loops import pause

_log = get_logger(__name__)
_MAX_DOCUMENT_BYTES = 256 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_FIRST_RETRY_SECONDS = 0.5
_SAY_AGAIN_SECONDS = 60
_LOOKED_FOR = 5
"""How many unknown ids may cause a reload within `throttle_seconds`."""


class KeySource:
    """Loads the issuer's keys from `jwks_url`, or from the `jwks_uri` in the discovery document. Ruta's own issuer has
    a `jwks_url` and requires the front's internal token, which `authorization` returns."""

    def __init__(
        self,
        *,
        issuer: str,
        jwks_url: str | None,
        refresh_seconds: float,
        throttle_seconds: float,
        stale_seconds: float,
        changed: Callable[[], None],
        authorization: Callable[[], str] | None = None,
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._refresh_seconds = refresh_seconds
        self._throttle_seconds = throttle_seconds
        self._stale_seconds = stale_seconds
        self._changed = changed
        self._authorization = authorization
        self._keys = KeySet([])
        self._raw: Any = None
        self._read_at = 0.0
        self._answers = False
        self._looked_for: dict[str, float] = {}
        self._said, self._said_at = "", 0.0
        self._reading = asyncio.Lock()
        self.discovered: dict[str, Any] = {}

    @property
    def ready(self) -> bool:
        return len(self.current()) > 0

    @property
    def state(self) -> str:
        if not self.ready:
            return "unavailable"
        return "ok" if self._answers else "known keys only: the issuer does not answer"

    def current(self) -> KeySet:
        """Return the verification keys, or no keys if the last successful load is too old."""
        if time.monotonic() - self._read_at > self._stale_seconds:
            return KeySet([])
        return self._keys

    async def look_again(self, session: aiohttp.ClientSession, kid: str) -> bool:
        """Reload the keys because of this unknown id. Return False if this id, or several others, caused a reload
        recently."""
        arrived = time.monotonic()
        async with self._reading:
            now = time.monotonic()
            if self._read_at > arrived:
                return True
            looked = self._looked_for.items()
            self._looked_for = {k: at for k, at in looked if now - at < self._throttle_seconds}
            if kid in self._looked_for or len(self._looked_for) >= _LOOKED_FOR:
                return False
            self._looked_for[kid] = now
            return await self._read(session)

    async def follow(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Reload the keys periodically until `stop`, and more often while there are no keys."""
        seconds = _FIRST_RETRY_SECONDS
        while not stop.is_set():
            async with self._reading:
                good = await self._read(session)
            seconds = self._refresh_seconds if good else min(seconds * 2, 5.0)
            if not self.ready:
                seconds = _FIRST_RETRY_SECONDS
            await pause(stop, seconds)

    async def _read(self, session: aiohttp.ClientSession) -> bool:
        try:
            url = self._jwks_url or await self._discover(session)
            document = await self._json(session, url)
            keys = KeySet.from_jwks(document)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._answers = False
            self._say(error)
            return False
        self._answers = True
        self._read_at = time.monotonic()
        if document != self._raw:
            self._keys, self._raw = keys, document
            self._changed()
        return True

    def _say(self, error: Exception) -> None:
        """Log which setting to check: at the first failure, when the reason changes, and then once a minute."""
        # Our own error messages are safe to log; a library's message may quote the document.
        reason = str(error) if type(error) is ValueError else type(error).__name__
        if reason != self._said or time.monotonic() - self._said_at > _SAY_AGAIN_SECONDS:
            setting = "RUTA_ISSUER_URL" if self._jwks_url else "RUTA_TOKEN_ISSUER_URL"
            _log.warning("token_keys_unreadable", setting=setting, reason=reason)
            self._said, self._said_at = reason, time.monotonic()

    async def _discover(self, session: aiohttp.ClientSession) -> str:
        document = await self._json(
            session, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        uri = document.get("jwks_uri") if isinstance(document, dict) else None
        if not isinstance(uri, str) or document.get("issuer") != self._issuer:
            raise ValueError("the discovery document is not that of this issuer")
        self.discovered = document
        return uri

    async def _json(self, session: aiohttp.ClientSession, url: str) -> Any:
        headers = {"Authorization": self._authorization()} if self._authorization else {}
        async with session.get(
            url, timeout=_TIMEOUT, allow_redirects=False, headers=headers
        ) as answer:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            body = await answer.read()
            if len(body) > _MAX_DOCUMENT_BYTES:
                raise ValueError("a document of keys is not that long")
            return json_once.loads(body)
