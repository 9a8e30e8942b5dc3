"""Client of the OIDC provider for browser sign-in: the sign-in address, tokens, and renewal before expiry."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from common import json_once
from common.errors import UNAUTHENTICATED, UNAVAILABLE, Problem
from common.words.languages import LANGUAGES

from gateway.front.browsers.sessions import PersonSession
from gateway.front.callers.keys import KeySource
from gateway.front.callers.tokens import Caller
from gateway.front.settings import FrontSettings
from gateway.front.upstreams import Upstreams

_TIMEOUT = aiohttp.ClientTimeout(total=10)
BEFORE_SECONDS = 60
_REMEMBERED_SECONDS = 30
_SCOPE = (
    "openid directory:read directory:write directory:curate referrals:read referrals:write "
    "reports:read reports:publish admin"
)


class Provider:
    """Calls Ruta's own issuer at its internal address, and an outside provider at its discovered endpoints."""

    def __init__(
        self,
        settings: FrontSettings,
        upstreams: Upstreams,
        keys: KeySource,
        authorization: Any,
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._keys = keys
        self._authorization = authorization

    @property
    def redirect_uri(self) -> str:
        return f"{self._settings.public_url.rstrip('/')}/session/callback"

    def sign_in_url(
        self, state: str, verifier: str, locales: str | None, *, fresh: bool = False
    ) -> str:
        """Return the address of the provider's sign-in page (authorization code with PKCE). `fresh` makes the provider
        authenticate again even if it knows the person (OIDC Core §3.1.2.1)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self._settings.session_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": _SCOPE,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if fresh else {}),
            **({"ui_locales": locales} if locales in LANGUAGES else {}),
        }
        return f"{self._endpoint('authorization_endpoint', '/oauth/authorize')}?{urlencode(parameters)}"

    async def tokens_for_code(self, code: str, verifier: str) -> dict[str, Any]:
        return await self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": verifier,
            }
        )

    async def refreshed(self, refresh_token: str) -> dict[str, Any]:
        return await self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def give_back(self, refresh_token: str) -> None:
        """End the sign-in at the provider if it offers revocation. Ignore failures, because the caller clears the
        cookie anyway."""
        try:
            await self._post("revocation_endpoint", "/oauth/revoke", {"token": refresh_token})
        except (aiohttp.ClientError, TimeoutError, OSError, LookupError):
            return

    async def _tokens(self, form: dict[str, str]) -> dict[str, Any]:
        try:
            status, body = await self._post("token_endpoint", "/oauth/token", form)
        except (aiohttp.ClientError, TimeoutError, OSError, LookupError):
            raise UNAVAILABLE.because(
                "nobody_can_be_signed_in_at_moment", headers={"Retry-After": "2"}
            ) from None
        answer = _read(body) if status == 200 else None
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise UNAUTHENTICATED.because("sign_in_is_over_or_did")
        return answer

    async def _post(self, name: str, own_path: str, form: dict[str, str]) -> tuple[int, bytes]:
        secret = self._settings.session_client_secret
        form = {**form, "client_id": self._settings.session_client_id}
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        own = self._settings.issuer_url
        url = f"{own.rstrip('/')}{own_path}" if own else self._endpoint(name, own_path)
        headers = {"Authorization": self._authorization()} if own else {}
        async with self._upstreams.issuing.post(
            url, data=form, headers=headers, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()

    def _endpoint(self, name: str, own_path: str) -> str:
        if self._settings.issuer_url is not None:
            return f"{self._settings.token_issuer_url.rstrip('/')}{own_path}"
        return str(self._keys.discovered[name])


def _read(body: bytes) -> Any:
    """Parse the provider's response. Return None if it is not JSON or repeats a key."""
    try:
        return json_once.loads(body)
    except ValueError:
        return None


def claims_unverified(id_token: Any) -> dict[str, Any]:
    """Return the claims of an ID token without checking its signature. This is allowed because the token came directly
    from the token endpoint (OIDC Core §3.1.3.7). Only the person sees these claims."""
    try:
        payload = str(id_token).split(".")[1]
        claims = json_once.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    if not isinstance(claims, dict):
        return {}
    return {k: v for k, v in claims.items() if isinstance(v, str) and len(v) <= 200}


def new_state() -> str:
    return secrets.token_urlsafe(24)


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


class Renewal:
    """Renews sessions. `believe` verifies access tokens."""

    def __init__(self, provider: Provider, believe: Callable[[str], Awaitable[Caller]]) -> None:
        self._provider = provider
        self._believe = believe
        self._running: dict[bytes, asyncio.Task[PersonSession]] = {}

    async def fresh(self, session: PersonSession) -> PersonSession | None:
        """Return the session with a valid access token, or None if the sign-in has ended. Raise a Problem if the
        provider is unavailable and the old token has expired."""
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
        """Return the session with new tokens. Concurrent requests share one renewal. Raise 401 if the sign-in has
        ended."""
        key = hashlib.sha256(session.refresh_token.encode()).digest()
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(session), name="renewal")
            self._running[key] = task
            task.add_done_callback(lambda done: self._remember(key, done))
        # A browser that disconnects must not cancel the renewal for the other requests.
        found = await asyncio.shield(task)
        return replace(
            session,
            access_token=found.access_token,
            refresh_token=found.refresh_token,
            expires=found.expires,
        )

    def _remember(self, key: bytes, done: asyncio.Task[PersonSession]) -> None:
        """Cache a renewal for half a minute, for requests that still have the old cookie."""
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
