"""Identifies the caller by a bearer token or by a person's session cookie, or treats the caller as anonymous."""

import time

from common.auth import InvalidToken
from common.auth.tokens import UnknownKey
from common.errors import FORBIDDEN, UNAUTHENTICATED, UNAVAILABLE

from gateway.front.browsers.provider import Renewal
from gateway.front.browsers.sessions import Cookies
from gateway.front.callers.keys import KeySource
from gateway.front.callers.readers import Readers, only_reads
from gateway.front.callers.revocations import Revocations
from gateway.front.callers.tokens import Caller, Callers, bearer
from gateway.front.edge.heads import Head
from gateway.front.edge.limits import Rates, Sources
from gateway.front.exchange import Exchange, SignedIn
from gateway.front.routes import Route
from gateway.front.upstreams import Upstreams

_CHALLENGE = 'Bearer realm="ruta"'


class Authentication:
    """Identifies callers. People cannot sign in if `cookies` is None."""

    def __init__(
        self,
        *,
        callers: Callers,
        keys: KeySource,
        revocations: Revocations,
        upstreams: Upstreams,
        rates: Rates,
        cookies: Cookies | None,
        renewal: Renewal | None,
        readers: Readers,
        sources: Sources,
    ) -> None:
        self._callers = callers
        self._keys = keys
        self._revocations = revocations
        self._upstreams = upstreams
        self._rates = rates
        self._cookies = cookies
        self._renewal = renewal
        self._readers = readers
        self._sources = sources

    @property
    def parts(self) -> dict[str, str]:
        """Return the state of the two sources that verification needs: keys and revocations."""
        revocations = "ok" if self._revocations.known else "unavailable"
        return {"token_keys": self._keys.state, "revocations": revocations}

    @property
    def ready(self) -> bool:
        return self._keys.ready and self._revocations.known

    async def caller(self, exchange: Exchange, route: Route) -> Caller | None:
        """Return the caller, or None for an anonymous caller if the route allows that. Raise 401 or 403 otherwise."""
        authorization = exchange.head.own.get(b"authorization")
        if authorization is None:
            if route.personal and self._cookies is not None:
                # Browsers send no session cookie with another site's form. The page must not offer to send such a
                # form again.
                self._cookies.check_origin(exchange.head, exchange.method)
            person = await self._person(exchange, route)
            if person is None and not route.anonymous:
                raise UNAUTHENTICATED.because(
                    "send_access_token", headers={"WWW-Authenticate": _CHALLENGE}
                )
            return person
        if authorization[:6].lower() == b"basic " and (
            route.client_secrets or route.takes_forms(exchange.method, exchange.path)
        ):
            return None  # these credentials are for the issuer or the form
        if authorization[:6].lower() == b"basic " and route.lets_readers(
            exchange.method, exchange.path
        ):
            return await self._reader(authorization, exchange)
        return await self.checked(authorization, exchange)

    async def _reader(self, credentials: bytes, exchange: Exchange) -> Caller:
        """Return the read-only client with these credentials. Raise 401, with the challenge that makes its tool send
        credentials. Raise 403 for a client that may do more, because its secret belongs at the token endpoint."""
        try:
            pseudonym = self._sources.pseudonym(exchange.source)
            token = await self._readers.token(self._upstreams.session, credentials, pseudonym)
            caller = await self._believed(token)
        except InvalidToken:
            self._readers.forget(credentials)
            exchange.allowance = self._rates.spend("anonymous", exchange.source)
            raise UNAUTHENTICATED.because(
                "read_only_credentials_are_not_valid",
                headers={"WWW-Authenticate": 'Basic realm="ruta", charset="UTF-8"'},
            ) from None
        if not only_reads(caller.principal):
            raise FORBIDDEN.because("basic_is_for_read_only_clients")
        return caller

    async def _person(self, exchange: Exchange, route: Route) -> Caller | None:
        """Return the person of the session cookie, or None if the cookie is invalid or this request must not use it.
        Raise 403 if the request comes from another site."""
        head = exchange.head
        if self._cookies is None or self._renewal is None or b"cookie" not in head.own:
            return None
        if _is_nobody(exchange, route) or not self._cookies.has(head):
            return None
        session = self._cookies.living(head, time.time())
        if session is None:
            exchange.cookies = self._cookies.ended()
            return None
        if route.personal:
            exchange.csrf = session.csrf
        else:
            self._cookies.check_meant(head, exchange.method, session)
        fresh = await self._renewal.fresh(session)
        if fresh is None:
            exchange.cookies = self._cookies.ended()
            return None
        try:
            person = await self._believed(fresh.access_token)
        except InvalidToken:  # The person signed out elsewhere or was disabled, so tell the page.
            exchange.cookies = self._cookies.ended()
            if route.personal:
                return None
            raise UNAUTHENTICATED.because("your_session_has_ended_sign_in_again") from None
        if fresh is not session:
            exchange.cookies = [self._cookies.write(fresh)]
        now = time.time()
        exchange.cookies += self._cookies.seen(head, fresh, now)
        exchange.signed_in = SignedIn(
            fresh.access_token,
            fresh.name,
            fresh.organisation_name,
            fresh.language,
            min(now + self._cookies.idle_seconds, fresh.ends),
        )
        return person

    async def checked(self, token: str | bytes, exchange: Exchange | None = None) -> Caller:
        """Return the caller of a token or an Authorization header (bytes). Raise 401 if it is not valid."""
        try:
            return await self._believed(bearer(token) if isinstance(token, bytes) else token)
        except InvalidToken:
            if exchange is not None:
                # Requests with an invalid token count as anonymous.
                exchange.allowance = self._rates.spend("anonymous", exchange.source)
            raise UNAUTHENTICATED.because(
                "access_token_is_not_valid",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
            ) from None

    async def _believed(self, token: str) -> Caller:
        if not self.ready:
            raise UNAVAILABLE.because(
                "tokens_cannot_be_verified_at_moment", headers={"Retry-After": "2"}
            )
        try:
            return self._callers.caller(token, self._keys.current())
        except UnknownKey as unknown:
            if not await self._keys.look_again(self._upstreams.issuing, unknown.kid):
                raise
            return self._callers.caller(token, self._keys.current())


def _is_nobody(exchange: Exchange, route: Route) -> bool:
    """Return whether this request must ignore the session cookie."""
    if route.is_public(exchange.method, exchange.path):
        return True
    if route.lets_in(exchange.method, exchange.path):
        return True
    return _navigates(exchange.head) and not route.personal


def _navigates(head: Head) -> bool:
    """Return whether the browser opens the address as a page. Anybody can send a person a link, so opening a link
    counts as an anonymous request. Ruta's own pages use scripts or the CSRF token."""
    navigation = head.own.get(b"sec-fetch-mode") == b"navigate"
    return navigation and b"x-csrf-token" not in head.own
