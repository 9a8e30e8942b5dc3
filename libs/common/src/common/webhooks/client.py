"""Makes one signed call to a webhook, at a checked and then pinned address."""

import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks.webhooks import Webhook as Signer

from common.messages.names import Names
from common.webhooks.addresses import Network, UnsafeUrl, check_url, is_allowed

_TIMEOUT_SECONDS = 15
_AT_ONCE = 500
"""Connections to all partners: enough to leave room beside slow ones."""
_NAMES_AT_ONCE = 32
_READ_BYTES = 1024


@dataclass(frozen=True)
class Call:
    url: str
    secrets: tuple[str, ...]
    message_id: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """The result of a call. `status` 0 means no response. `failure` is a code for the delivery list, never text from
    the other system."""

    status: int
    failure: str | None = None

    @property
    def delivered(self) -> bool:
        return 200 <= self.status < 300


class UnsafeAddress(OSError):
    """The name resolves to an address that webhooks may not call."""


class CheckedResolver(AbstractResolver):
    """Resolves a name only if every address is allowed. aiohttp connects to exactly these addresses, which defeats DNS
    rebinding."""

    def __init__(self, also: Collection[Network]) -> None:
        self._also = also
        self._names = Names(_NAMES_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.addresses(host, port)
        addresses = {(str(entry[4][0]), entry[0]) for entry in found}
        if not addresses or not all(is_allowed(a, self._also) for a, _ in addresses):
            raise UnsafeAddress
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
            for address, kind in sorted(addresses)
        ]

    async def close(self) -> None:
        """Do nothing, because the resolver holds no resources."""


def client(also: Collection[Network]) -> aiohttp.ClientSession:
    """Return a client that ignores cookies and the environment's proxies. It caches no names, but simultaneous calls to
    one name share a look-up, so a partner's slow DNS blocks only one thread."""
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(also),
        use_dns_cache=True,
        ttl_dns_cache=0,
        force_close=True,
        limit=_AT_ONCE,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
    )


def signature_headers(call: Call, now: datetime) -> dict[str, str]:
    """Return Standard Webhooks 1.0 headers, with one signature per valid secret."""
    signed = [
        Signer(secret).sign(call.message_id, now, call.body.decode()) for secret in call.secrets
    ]
    return {
        "webhook-id": call.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
        "content-type": "application/json",
        "user-agent": "Ruta-Webhooks/1",
    }


async def send(
    session: aiohttp.ClientSession, call: Call, also: Collection[Network], now: datetime
) -> Answer:
    try:
        check_url(
            call.url, also
        )  # check again, because the rules may be stricter than when the webhook was added
        async with session.post(
            call.url, data=call.body, headers=signature_headers(call, now), allow_redirects=False
        ) as response:
            await response.content.read(_READ_BYTES)
            if 300 <= response.status < 400:
                return Answer(response.status, "redirect_refused")
            ok = 200 <= response.status < 300
            return Answer(response.status, None if ok else "refused")
    except UnsafeUrl:
        return Answer(0, "unsafe_address")
    except TimeoutError:
        return Answer(0, "timeout")
    except (aiohttp.ClientError, OSError) as error:
        unsafe = isinstance(getattr(error, "os_error", error), UnsafeAddress)
        return Answer(0, "unsafe_address" if unsafe else "unreachable")
