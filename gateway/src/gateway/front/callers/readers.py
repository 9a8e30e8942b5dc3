"""Read-only clients for tools that support HTTP Basic but not OAuth: Excel, Power BI, QGIS, LibreOffice, R.

The front gets their token from Ruta's issuer, which checks the secret and slows down guessing. The front uses the token
until it expires. It therefore notices when such a client is ended, as it does for any other client.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

import aiohttp
from common.auth import InvalidToken, Principal, Role
from common.errors import TOO_MANY_REQUESTS, UNAVAILABLE

_MOST = 1_000
_EARLY_SECONDS = 30
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Readers:
    """Tokens by the digest of the credentials. `issuer` returns the issuer's address, or None if there is no issuer."""

    def __init__(self, issuer: Callable[[], str | None], authorization: Callable[[], str]) -> None:
        self._issuer = issuer
        self._authorization = authorization
        self._tokens: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def token(self, session: aiohttp.ClientSession, credentials: bytes, source: bytes) -> str:
        """Return an access token for an `Authorization: Basic` header. Raise InvalidToken if the issuer refuses, and
        429 after too many wrong secrets."""
        digest = hashlib.blake2b(credentials, digest_size=16).digest()
        known = self._tokens.get(digest)
        if known is not None and known[1] > time.time():
            return known[0]
        token, seconds = await self._get(session, credentials, source)
        self._tokens[digest] = (token, time.time() + seconds - _EARLY_SECONDS)
        if len(self._tokens) > _MOST:
            self._tokens.popitem(last=False)
        return token

    def forget(self, credentials: bytes) -> None:
        self._tokens.pop(hashlib.blake2b(credentials, digest_size=16).digest(), None)

    async def _get(
        self, session: aiohttp.ClientSession, credentials: bytes, source: bytes
    ) -> tuple[str, int]:
        issuer = self._issuer()
        if issuer is None:
            raise InvalidToken("no issuer compares secrets here")
        headers = {
            "Authorization": self._authorization(),
            "Ruta-Client-Authorization": credentials.decode("latin-1"),
            "Ruta-Source": source.decode("latin-1"),
        }
        form = {"grant_type": "client_credentials"}
        try:
            async with session.post(
                f"{issuer}/oauth/token", data=form, headers=headers, timeout=_TIMEOUT
            ) as answer:
                if answer.status == 429:
                    again = {"Retry-After": answer.headers["Retry-After"]}
                    raise TOO_MANY_REQUESTS.because(
                        "too_many_wrong_secrets_from_here", headers=again
                    )
                if answer.status in (400, 401):
                    raise InvalidToken("the issuer refuses the credentials")
                answer.raise_for_status()
                given = await answer.json()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UNAVAILABLE.because(
                "tokens_cannot_be_verified_at_moment", headers={"Retry-After": "2"}
            ) from error
        return given["access_token"], given["expires_in"]


def only_reads(principal: Principal) -> bool:
    return principal.roles == {Role.READER}
