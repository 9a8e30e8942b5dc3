"""Tells the services whose rights have ended, as the issuer's list says it: what they do by themselves (webhooks,
imports, what a worker was asked for) brings no token that could be void.

Each service is told what changed within a second, and all of it again each minute: its database may have been
restored meanwhile. With an outside provider there is no list, and nothing is told.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import orjson
from common.process.logs import get_logger
from common.process.repeating import pause

_log = get_logger(__name__)
_PATH = "/internal/ended-rights"
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LOOK_SECONDS = 1.0
_AWAY_SECONDS = 5.0
_AGAIN_SECONDS = 60.0
# The front's lists, by the words of those who are told.
_NAMED = {"organisation": "organisations", "subject": "subjects", "client": "clients"}


class Telling:
    """What the list says now; `None` until one was read that says who is suspended (an issuer of the release before
    does not)."""

    def __init__(self, authorization: Callable[[str], str]) -> None:
        self._authorization = authorization
        self._as_of = 0.0
        self._said: dict[str, Any] | None = None

    def heard(self, document: Mapping[str, Any]) -> None:
        if {"suspended", "as_of"} <= document.keys():
            self._as_of = document["as_of"]
            changed = {named: document[listed] for named, listed in _NAMED.items()}
            self._said = {"suspended": document["suspended"], "changed": changed}

    async def follow(
        self,
        service: str,
        url: Callable[[], str | None],
        session: aiohttp.ClientSession,
        stop: asyncio.Event,
    ) -> None:
        """Tell this one, which is at `url` (None: not deployed), until `stop`."""
        told: dict[str, Any] | None = None
        told_at, quiet = float("-inf"), False
        while not stop.is_set():
            said, address = self._said, url()
            old = time.monotonic() - told_at >= _AGAIN_SECONDS
            if said is not None and address is not None and (said != told or old):
                error = await self._tell(service, address, said, session)
                if error is None:
                    told, told_at = said, time.monotonic()
                elif not quiet:
                    _log.warning("ended_rights_untold", service=service, reason=error)
                quiet = error is not None
            await pause(stop, _AWAY_SECONDS if quiet else _LOOK_SECONDS)

    async def _tell(
        self, service: str, address: str, said: Mapping[str, Any], session: aiohttp.ClientSession
    ) -> str | None:
        """Why it was not told."""
        headers = {
            "Authorization": self._authorization(f"ruta-{service}"),
            "Content-Type": "application/json",
        }
        body = orjson.dumps({"as_of": self._as_of, **said})
        try:
            async with session.put(
                f"{address}{_PATH}", data=body, headers=headers, timeout=_TIMEOUT
            ) as answer:
                return None if answer.status == 204 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__
