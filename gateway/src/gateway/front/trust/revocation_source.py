"""Reads revocations from Ruta's own issuer, so that they bind here within seconds.

With an outside provider there is no such list: its tokens end when they expire, so they should
live for minutes (docs/decisions/0021).
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import orjson
from common.process.logs import get_logger
from common.process.repeating import pause

from gateway.front.trust.revocations import Revocations

_log = get_logger(__name__)
_PATH = "/internal/issuer/revocations"
_TIMEOUT = aiohttp.ClientTimeout(total=5)


class RevocationSource:
    def __init__(
        self,
        issuer_url: str | None,
        authorization: Callable[[], str],
        revocations: Revocations,
        seconds: float,
        heard: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._url = f"{issuer_url}{_PATH}" if issuer_url else None
        self._authorization = authorization
        self._revocations = revocations
        self._seconds = seconds
        self._heard = heard

    async def follow(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        while self._url is not None and not stop.is_set():
            good = await self._read(session, self._url)
            await pause(stop, self._seconds if good else 1.0)

    async def _read(self, session: aiohttp.ClientSession, url: str) -> bool:
        try:
            async with session.get(
                url, headers={"Authorization": self._authorization()}, timeout=_TIMEOUT
            ) as answer:
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                document = orjson.loads(await answer.read())
                self._revocations.replace(document)
                self._heard(document)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.warning("revocations_unreadable", reason=type(error).__name__)
            return False
        return True
