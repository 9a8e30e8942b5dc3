"""Who calls: a bearer token, a person's cookie, or nobody."""

import time

from common.auth import InvalidToken
from common.auth.tokens import UnknownKey
from common.errors import UNAUTHENTICATED, UNAVAILABLE

from gateway.front.browsers.provider import Renewal
from gateway.front.browsers.sessions import Cookies
from gateway.front.callers.keys import KeySource
from gateway.front.callers.revocations import Revocations
from gateway.front.callers.tokens import Caller, Callers, bearer
from gateway.front.edge.heads import Head
from gateway.front.edge.limits import Rates
from gateway.front.exchange import Exchange, SignedIn
from gateway.front.routes import Route
from gateway.front.upstreams import Upstreams

_CHALLENGE = 'Bearer realm="ruta"'


class Authentication:
    """`cookies` None: people cannot sign in here."""

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
    ) -> None:
        self._callers = callers
        self._keys = keys
        self._revocations = revocations
        self._upstreams = upstreams
        self._rates = rates
        self._cookies = cookies
        self._renewal = renewal

    @property
    def parts(self) -> dict[str, str]:
        """The state of what verifying a token needs: the keys and the list of revocations."""
        revocations = "ok" if self._revocations.known else "unavailable"
        return {"token_keys": self._keys.state, "revocations": revocations}

    @property
    def ready(self) -> bool:
        return self._keys.ready and self._revocations.known

    async def caller(self, exchange: Exchange, route: Route) -> Caller | None:
        """The caller; None is the anonymous one, where the route lets it in; 401 or 403 else."""
        authorization = exchange.head.own.get(b"authorization")
        if authorization is None:
            if route.personal and self._cookies is not None:
                # Browsers send no cookie with forms of other sites; such a form is not shown again either.
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
            return None  # credentials for the issuer or the form, not for us
        return await self.checked(authorization, exchange)

    async def _person(self, exchange: Exchange, route: Route) -> Caller | None:
        """The person whom the session cookie names; None if it must not be read here, or is not valid (any more). 403 if the
        request comes from another site."""
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
        except InvalidToken:  # signed out elsewhere, or switched off: the page must learn it
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
        """The caller of a token, or of an Authorization header (bytes); 401 if it proves nothing."""
        try:
            return await self._believed(bearer(token) if isinstance(token, bytes) else token)
        except InvalidToken:
            if exchange is not None:
                # Bad tokens count as requests without a token.
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
    """Whether the session cookie must not be read for this request."""
    if route.is_public(exchange.method, exchange.path):
        return True
    if route.lets_in(exchange.method, exchange.path):
        return True
    return _navigates(exchange.head) and not route.personal


def _navigates(head: Head) -> bool:
    """Whether the browser opens the address as a page. Anybody can send somebody an address, so opening it acts for nobody:
    it is answered as to an anonymous caller. Ruta's own pages ask by script, or with the CSRF token."""
    navigation = head.own.get(b"sec-fetch-mode") == b"navigate"
    return navigation and b"x-csrf-token" not in head.own
