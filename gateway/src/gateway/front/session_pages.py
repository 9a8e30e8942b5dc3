"""`/session/…`: a browser signs in, stays signed in, and signs out. No page of its own.

The web console needs nothing else: it sends the browser to `/session/start`, reads `/session`
for who it is and for the CSRF token, and calls the API with the cookie.
"""

import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
from common.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHENTICATED

from gateway.front.callers import Caller
from gateway.front.exchange import Exchange
from gateway.front.heads import Header
from gateway.front.provider import Provider, new_state, new_verifier
from gateway.front.sessions import Cookies, PersonSession, SignIn, new_csrf
from gateway.front.targets import refusal_of

PREFIX = "/session"


class SessionPages:
    """`believe` verifies an access token like any other."""

    def __init__(
        self,
        cookies: Cookies,
        provider: Provider,
        believe: Callable[[str], Awaitable[Caller]],
    ) -> None:
        self.cookies = cookies
        self._provider = provider
        self._believe = believe
        self._pages: dict[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("GET", "/session"): self._who,
            ("GET", "/session/start"): self._start,
            ("GET", "/session/callback"): self._callback,
            ("POST", "/session/refresh"): self._refresh,
            ("POST", "/session/end"): self._end,
        }

    async def serve(self, exchange: Exchange) -> None:
        page = self._pages.get((exchange.method, exchange.path))
        if page is None:
            if any(path == exchange.path for _, path in self._pages):
                raise METHOD_NOT_ALLOWED.because("This method is not offered here.")
            raise NOT_FOUND.because("No such path.")
        await page(exchange)

    async def _start(self, exchange: Exchange) -> None:
        query = _query(exchange)
        return_to = query.get("return_to", "/")
        if refusal_of(return_to.partition("?")[0].encode(), b"") or not return_to.startswith("/"):
            raise BAD_REQUEST.because("return_to must be a path of this server.")
        sign_in = SignIn(new_state(), new_verifier(), return_to)
        url = self._provider.sign_in_url(sign_in.state, sign_in.verifier, query.get("ui_locales"))
        await exchange.answer(303, [_location(url), self.cookies.write(sign_in)])

    async def _callback(self, exchange: Exchange) -> None:
        query = _query(exchange)
        sign_in = self.cookies.read(exchange.head, SignIn)
        state = query.get("state", "")
        if sign_in is None or not hmac.compare_digest(sign_in.state, state):
            raise BAD_REQUEST.because("This sign-in was not begun in this browser.")
        if "code" not in query:
            raise UNAUTHENTICATED.because("The provider did not sign anybody in.")
        tokens = await self._provider.tokens_for_code(query["code"], sign_in.verifier)
        session, _ = await self._session(tokens)
        cookies = [self.cookies.write(session), self.cookies.clear(SignIn)]
        await exchange.answer(303, [_location(sign_in.return_to), *cookies])

    async def _who(self, exchange: Exchange) -> None:
        session = self._present(exchange)
        caller = await self._believe(session.access_token)
        await exchange.answer(200, [_JSON], _described(session, caller))

    async def _refresh(self, exchange: Exchange) -> None:
        session = self._present(exchange)
        self.cookies.check_meant(exchange.head, exchange.method, session)
        tokens = await self._provider.refreshed(session.refresh_token)
        renewed, caller = await self._session(tokens, session)
        await exchange.answer(
            200, [_JSON, self.cookies.write(renewed)], _described(renewed, caller)
        )

    async def _end(self, exchange: Exchange) -> None:
        session = self._present(exchange)
        self.cookies.check_meant(exchange.head, exchange.method, session)
        await self._provider.give_back(session.refresh_token)
        await self._provider.give_back(session.access_token)
        await exchange.answer(204, [self.cookies.clear(PersonSession)])

    def _present(self, exchange: Exchange) -> PersonSession:
        session = self.cookies.read(exchange.head, PersonSession)
        if session is None:
            raise UNAUTHENTICATED.because("Nobody is signed in. Begin at /session/start.")
        return session

    async def _session(
        self, tokens: dict[str, Any], before: PersonSession | None = None
    ) -> tuple[PersonSession, Caller]:
        caller = await self._believe(tokens["access_token"])
        refresh = tokens.get("refresh_token") or (before.refresh_token if before else "")
        csrf = before.csrf if before else new_csrf()
        session = PersonSession(tokens["access_token"], str(refresh), csrf, caller.expires)
        return session, caller


_JSON: Header = (b"content-type", b"application/json")


def _described(session: PersonSession, caller: Caller) -> bytes:
    principal = caller.principal
    return orjson.dumps(
        {
            "subject": principal.subject,
            "organisation_id": principal.organisation_id,
            "roles": sorted(principal.roles),
            "scopes": sorted(principal.scopes),
            "aors": sorted(principal.aors),
            "areas": sorted(principal.areas),
            "expires_in": max(0, int(caller.expires - time.time())),
            "csrf_token": session.csrf,
        }
    )


def _query(exchange: Exchange) -> dict[str, str]:
    try:
        pairs = parse_qs(exchange.scope["query_string"].decode("ascii"), max_num_fields=20)
    except ValueError:
        raise BAD_REQUEST.because("Too many parameters.") from None
    return {name: values[0] for name, values in pairs.items()}


def _location(url: str) -> Header:
    return b"location", url.encode("ascii", "replace")
