"""Web Push without content (RFC 8030), signed with the deployment's key (RFC 8292). An empty payload needs no
encryption (RFC 8291): the page's worker shows a fixed text. The push service learns only that and when a message was
sent."""

import base64
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson
from common import clock
from common.messages.delivery import HANDED, Handing, Message, Result, waiting
from common.webhooks.addresses import Network, UnsafeUrl, check_url
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]  # ships no types

# How long a push service stores the message for an offline browser. After that, the work list shows the matter
# anyway.
_KEPT_SECONDS = 24 * 3600
_SECONDS = 10
_SIGNED_FOR = timedelta(hours=1)
_TOPIC = "ruta"


class Push:
    def __init__(self, key_file: Path, contact: str, also: Collection[Network]) -> None:
        """Create the transport. `contact` is the mailto: or https: address that push services can use for questions
        about our messages."""
        self._key = Vapid02.from_file(str(key_file))
        self._contact = contact
        self._also = also
        self.seconds = _SECONDS
        """The longest time that sending one message takes."""

    @property
    def public_key(self) -> str:
        point = self._key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    async def hand_over(
        self, http: aiohttp.ClientSession, subscription: str, _message: Message, _id: str
    ) -> Handing:
        endpoint = str(orjson.loads(subscription)["endpoint"])
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "sub": self._contact,
            "exp": int((clock.now() + _SIGNED_FOR).timestamp()),
        }
        headers = {
            **self._key.sign(claims),
            "TTL": str(_KEPT_SECONDS),
            "Urgency": "normal",
            # A new push replaces a waiting one, so the browser shows at most one.
            "Topic": _TOPIC,
        }
        try:
            check_url(endpoint, self._also)
            limit = aiohttp.ClientTimeout(total=self.seconds)
            async with http.post(
                endpoint, headers=headers, allow_redirects=False, timeout=limit
            ) as answer:
                await answer.content.read(1024)
                return _of(answer.status, answer.headers.get("Retry-After"))
        except UnsafeUrl:
            return Handing(Result.REFUSED, "unsafe_address")
        except TimeoutError:
            return Handing(Result.LATER, "timeout")
        except (aiohttp.ClientError, OSError):
            return Handing(Result.LATER, "unreachable")


def _of(status: int, retry_after: str | None) -> Handing:
    if 200 <= status < 300:
        return HANDED
    if status in {404, 410}:  # RFC 8030, 7.3: the subscription has expired
        return Handing(Result.GONE, f"push_{status}")
    if status in {400, 401, 403, 413, 429} or status >= 500:
        return Handing(Result.LATER, f"push_{status}", waiting(retry_after))
    return Handing(Result.REFUSED, f"push_{status}")
