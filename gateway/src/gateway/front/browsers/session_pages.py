"""The routes `/session/…`, through which a browser signs in, stays signed in, and signs out.

The web console sends the browser to `/session/start`, reads the person and the CSRF token from `/session`, and calls
the API with the cookie. The only HTML page is the sign-out page.
"""

import hmac
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import orjson
from common.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHENTICATED
from common.pages.form_tokens import form_token
from common.words.languages import LANGUAGES

from gateway.front.browsers.provider import (
    Provider,
    Renewal,
    claims_unverified,
    new_state,
    new_verifier,
)
from gateway.front.browsers.sessions import (
    SESSION_SECONDS,
    Cookies,
    Former,
    PersonSession,
    SignIn,
    new_csrf,
)
from gateway.front.callers.tokens import Caller
from gateway.front.edge.bodies import Body
from gateway.front.edge.heads import Header, refusal_of
from gateway.front.errors import SIGN_IN_STALE
from gateway.front.exchange import Exchange
from gateway.front.public_pages import sign_out_page

PREFIX = "/session"


class SessionPages:
    """The routes below `/session`; `believe` verifies access tokens."""

    def __init__(
        self,
        cookies: Cookies,
        provider: Provider,
        renewal: Renewal,
        believe: Callable[[str], Awaitable[Caller]],
    ) -> None:
        self.cookies = cookies
        self._provider = provider
        self._renewal = renewal
        self._believe = believe
        self._pages: dict[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("GET", "/session"): self._who,
            ("GET", "/session/start"): self._start,
            ("GET", "/session/callback"): self._callback,
            ("POST", "/session/refresh"): self._refresh,
            ("GET", "/session/end"): self._leave,
            ("POST", "/session/end"): self._end,
        }

    async def serve(self, exchange: Exchange) -> None:
        page = self._pages.get((exchange.method, exchange.path))
        if page is None:
            if any(path == exchange.path for _, path in self._pages):
                raise METHOD_NOT_ALLOWED.because("this_method_is_not_offered_here")
            raise NOT_FOUND.because("no_such_path")
        await page(exchange)

    async def _start(self, exchange: Exchange) -> None:
        query = _query(exchange)
        return_to = query.get("return_to", "/")
        path, _, asked = return_to.partition("?")
        if refusal_of(path.encode(), asked.encode()):
            raise BAD_REQUEST.because("return_to_must_be_path_of_this")
        locales = query.get("ui_locales")
        language = locales if locales in LANGUAGES else exchange.language
        sign_in = SignIn(new_state(), new_verifier(), return_to, language)
        url = self._provider.sign_in_url(
            sign_in.state, sign_in.verifier, locales, fresh=query.get("fresh") == "true"
        )
        await exchange.answer(303, [_location(url), self.cookies.write(sign_in)])

    async def _callback(self, exchange: Exchange) -> None:
        query = _query(exchange)
        sign_in = self.cookies.read(exchange.head, SignIn)
        state = query.get("state", "")
        if sign_in is None or not hmac.compare_digest(sign_in.state, state):
            raise SIGN_IN_STALE.because("this_sign_in_was_not_begun")
        if "code" not in query:
            raise UNAUTHENTICATED.because("provider_did_not_sign_anybody_in")
        tokens = await self._provider.tokens_for_code(query["code"], sign_in.verifier)
        caller = await self._believe(tokens["access_token"])
        now = time.time()
        csrf = await self._csrf_after(exchange, caller)
        told = claims_unverified(tokens.get("id_token"))
        session = PersonSession(
            tokens["access_token"],
            str(tokens.get("refresh_token") or ""),
            csrf,
            caller.expires,
            ends=now + SESSION_SECONDS,
            name=told.get("preferred_username"),
            organisation_name=told.get("org_name"),
            language=sign_in.language,
        )
        cookies = [
            self.cookies.write(session),
            *self.cookies.seen(exchange.head, session, now),
            self.cookies.write(Former(caller.principal.subject, csrf)),
            self.cookies.clear(SignIn),
        ]
        await exchange.answer(303, [_location(sign_in.return_to), *cookies])

    async def _csrf_after(self, exchange: Exchange, caller: Caller) -> str:
        """End the previous session and return the CSRF token of the new one. The same person keeps the token, so forms
        in other tabs still work."""
        session = self.cookies.living(exchange.head, time.time())
        if session is not None:
            await self._provider.give_back(session.refresh_token)
        former = self.cookies.read(exchange.head, Former)
        same = former is not None and former.subject == caller.principal.subject
        return former.csrf if former is not None and same else new_csrf()

    async def _who(self, exchange: Exchange) -> None:
        session = await self._renewal.fresh(self._present(exchange))
        if session is None:
            exchange.cookies = self.cookies.ended()
            raise UNAUTHENTICATED.because("you_are_not_signed_in")
        await self._tell(exchange, session)

    async def _refresh(self, exchange: Exchange) -> None:
        session = self._present(exchange)
        self.cookies.check_meant(exchange.head, exchange.method, session)
        await self._tell(exchange, await self._renewal.renewed(session))

    async def _tell(self, exchange: Exchange, session: PersonSession) -> None:
        """Send the name of the signed-in person. This counts as activity, so the idle time starts again."""
        caller = await self._believe(session.access_token)
        now = time.time()
        exchange.cookies = [
            self.cookies.write(session),
            *self.cookies.seen(exchange.head, session, now),
        ]
        idle = min(now + self.cookies.idle_seconds, session.ends)
        await exchange.answer(200, [_JSON], _described(session, caller, idle))

    async def _leave(self, exchange: Exchange) -> None:
        """Send a page with a sign-out button, for browsers without scripts."""
        session = self.cookies.living(exchange.head, time.time())
        own = session.language if session else None
        language = exchange.asked_language or own or exchange.language
        token = form_token(session.csrf, exchange.path) if session else ""
        await exchange.answer(200, *sign_out_page(language, token))

    async def _end(self, exchange: Exchange) -> None:
        """Sign out. Send 204 to scripts, and redirect forms to the start page. A browser whose session has already
        ended still deletes its cookies."""
        # Browsers send no session cookie with another site's form, but the response would still clear the cookies.
        self.cookies.check_origin(exchange.head, exchange.method)
        form = await _form(exchange)
        session = self.cookies.read(exchange.head, PersonSession)
        if session is None and not form:
            raise UNAUTHENTICATED.because("you_are_not_signed_in")
        if session is not None:
            self.cookies.check_meant(
                exchange.head, exchange.method, session, form, action=exchange.path
            )
            await self._provider.give_back(session.refresh_token)
            await self._provider.give_back(session.access_token)
        exchange.cookies = self.cookies.sign_out()
        if form:
            await exchange.answer(303, [_location("/"), _FORGET])
        else:
            await exchange.answer(204, [_FORGET])

    def _present(self, exchange: Exchange) -> PersonSession:
        session = self.cookies.living(exchange.head, time.time())
        if session is None:
            if self.cookies.has(exchange.head):
                exchange.cookies = self.cookies.ended()
            raise UNAUTHENTICATED.because("you_are_not_signed_in")
        return session


_FORGET: Header = (b"clear-site-data", b'"cache", "cookies", "storage"')
_MOST_FORM_BYTES = 4096
_JSON: Header = (b"content-type", b"application/json")


def _described(session: PersonSession, caller: Caller, idle: float) -> bytes:
    principal = caller.principal
    return orjson.dumps(
        {
            "subject": principal.subject,
            "sign_in_name": session.name,
            "organisation_name": session.organisation_name,
            "language": session.language,
            "organisation_id": principal.organisation_id,
            "roles": sorted(principal.roles),
            "scopes": sorted(principal.scopes),
            "aors": sorted(principal.aors),
            "areas": sorted(principal.areas),
            "expires_in": max(0, int(caller.expires - time.time())),
            "signed_in_at": principal.signed_in_at,
            "idle_in": max(0, int(idle - time.time())),
            "ends_in": max(0, int(session.ends - time.time())),
            "csrf_token": session.csrf,
        }
    )


def _query(exchange: Exchange) -> dict[str, str]:
    try:
        pairs = parse_qs(exchange.scope["query_string"].decode("ascii"), max_num_fields=20)
    except ValueError:
        raise BAD_REQUEST.because("too_many_parameters") from None
    return {name: values[0] for name, values in pairs.items()}


async def _form(exchange: Exchange) -> dict[str, str]:
    """Return the form fields, or an empty result if the body is not a form."""
    kind = dict(exchange.head.passed).get(b"content-type", b"")
    if not kind.startswith(b"application/x-www-form-urlencoded") or not exchange.head.has_body:
        return {}
    body = Body(exchange.receive, limit=_MOST_FORM_BYTES, idle_seconds=10, total_seconds=20)
    await body.start()
    text = b"".join([chunk async for chunk in body.stream()])
    try:
        pairs = parse_qs(text.decode("ascii"), keep_blank_values=True, max_num_fields=5)
    except ValueError:
        raise BAD_REQUEST.because("form_could_not_be_read") from None
    return {name: values[0] for name, values in pairs.items()}


def _location(url: str) -> Header:
    return b"location", url.encode("ascii", "replace")
