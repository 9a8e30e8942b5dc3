"""Talks to the OIDC provider on behalf of a person's browser: where to sign in, and tokens."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

import aiohttp
from common import json_once
from common.errors import UNAUTHENTICATED, UNAVAILABLE
from common.words.languages import LANGUAGES

from gateway.front.replicas.upstreams import Upstreams
from gateway.front.settings import FrontSettings
from gateway.front.trust.key_source import KeySource

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_SCOPE = (
    "openid directory:read directory:write directory:curate referrals:read referrals:write "
    "reports:read reports:publish admin"
)


class Provider:
    """Ruta's own issuer is reached where it listens; an outside one by its discovery document."""

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
        """Where the browser goes to sign in (authorization code with PKCE). `fresh`: even whom the
        provider knows already has to prove it again (OIDC Core §3.1.2.1)."""
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
        """End the sign-in at the provider too, if it can; the cookie goes in any case."""
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
        own = self._settings.issuer_url is not None
        # The shared session sends no Content-Type of its own accord.
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if own:
            headers["Authorization"] = self._authorization()
        url = (
            f"{(self._settings.issuer_url or '').rstrip('/')}{own_path}"
            if own
            else self._endpoint(name, own_path)
        )
        async with self._upstreams.issuing.post(
            url, data=form, headers=headers, timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()

    def _endpoint(self, name: str, own_path: str) -> str:
        if self._settings.issuer_url is not None:
            return f"{self._settings.token_issuer_url.rstrip('/')}{own_path}"
        return str(self._keys.discovered[name])


def _read(body: bytes) -> Any:
    """What the provider says; None if it is no JSON, or can be read in two ways."""
    try:
        return json_once.loads(body)
    except ValueError:
        return None


def claims_unverified(id_token: Any) -> dict[str, Any]:
    """What a token says about a person, to that person only. It came from the token endpoint itself,
    so its signature need not be checked (OIDC Core §3.1.3.7)."""
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
