"""Who calls: a bearer token, a person's cookie, or nobody."""

from common.auth import InvalidToken
from common.auth.tokens import UnknownKey
from common.errors import UNAUTHENTICATED, UNAVAILABLE

from gateway.front.callers import Caller, Callers, bearer
from gateway.front.exchange import Exchange
from gateway.front.key_source import KeySource
from gateway.front.limits import Rates
from gateway.front.routes import Route
from gateway.front.sessions import Cookies, PersonSession
from gateway.front.upstreams import Upstreams

_CHALLENGE = 'Bearer realm="ruta"'


class Authentication:
    """`cookies` None: people cannot sign in here."""

    def __init__(
        self,
        *,
        callers: Callers,
        keys: KeySource,
        upstreams: Upstreams,
        rates: Rates,
        cookies: Cookies | None,
    ) -> None:
        self._callers = callers
        self._keys = keys
        self._upstreams = upstreams
        self._rates = rates
        self._cookies = cookies

    async def caller(self, exchange: Exchange, route: Route) -> Caller | None:
        """The caller; None is the anonymous one, where the route lets it in; 401 or 403 else."""
        authorization = exchange.head.own.get(b"authorization")
        if authorization is None:
            token = self._session_token(exchange)
            if token is None and not route.anonymous:
                raise UNAUTHENTICATED.because(
                    "Send an access token.", headers={"WWW-Authenticate": _CHALLENGE}
                )
            return await self.checked(token, exchange) if token else None
        if route.client_secrets and authorization[:6].lower() == b"basic ":
            return None  # credentials for the issuer, not for us
        return await self.checked(authorization, exchange)

    def _session_token(self, exchange: Exchange) -> str | None:
        """The access token of a person's cookie; 403 if the request was not meant."""
        if self._cookies is None or b"cookie" not in exchange.head.own:
            return None
        session = self._cookies.read(exchange.head, PersonSession)
        if session is None:
            return None
        self._cookies.check_meant(exchange.head, exchange.method, session)
        return session.access_token

    async def checked(self, token: str | bytes, exchange: Exchange | None = None) -> Caller:
        """The caller of a token, or of an Authorization header (bytes); 401 if it proves nothing."""
        try:
            return await self._believed(bearer(token) if isinstance(token, bytes) else token)
        except InvalidToken:
            if exchange is not None:
                # Whoever sends bad tokens is counted as the anonymous source that it is.
                exchange.allowance = await self._rates.spend("anonymous", exchange.source)
            raise UNAUTHENTICATED.because(
                "The access token is not valid or no longer valid.",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
            ) from None

    async def _believed(self, token: str) -> Caller:
        keys = self._keys.current()
        if len(keys) == 0:
            raise UNAVAILABLE.because(
                "Tokens cannot be verified at the moment.", headers={"Retry-After": "2"}
            )
        try:
            return self._callers.caller(token, keys)
        except UnknownKey:
            if not await self._keys.look_again(self._upstreams.session):
                raise
            return self._callers.caller(token, self._keys.current())
