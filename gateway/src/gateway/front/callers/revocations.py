"""Rights of clients, people, organisations, sign-ins and tokens that the issuer ended early.

The front reads the list from Ruta's own issuer within seconds. It also forwards ended rights to the services, because
background work (webhooks, imports, worker tasks) has no token that could be revoked.

An outside provider has no such list. Its tokens are valid until they expire, so they should last only minutes
(docs/decisions/0021).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from common.auth import Principal
from common.process.logs import get_logger
from common.process.loops import pause

_log = get_logger(__name__)
_LIST = "/internal/issuer/revocations"
_TOLD = "/internal/ended-rights"
_PEOPLE = "/internal/issuer/people"
_TOLD_PEOPLE = "/internal/people"
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_LOOK_SECONDS = 1.0
_AWAY_SECONDS = 5.0
_AGAIN_SECONDS = 60.0
# field names in the services' list → those in the issuer's list
_NAMED = {"organisation": "organisations", "subject": "subjects", "client": "clients"}


@dataclass
class Revocations:
    """Revoked ids. Each mapping contains the second (since 1970) up to which tokens of that id are void. `known` is
    False until the list has been read once. Until then, the front accepts nobody."""

    known: bool = False
    clients: dict[str, float] = field(default_factory=dict)
    subjects: dict[str, float] = field(default_factory=dict)
    organisations: dict[str, float] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset()
    sign_ins: frozenset[str] = frozenset()

    def cover(self, principal: Principal, token_id: str, issued: float, sign_in: str = "") -> bool:
        """Return whether a token of this principal, issued at `issued`, is void."""
        return (
            issued <= self.clients.get(principal.client_id, -1)
            or issued <= self.subjects.get(principal.subject, -1)
            or (
                # Formatting a UUID is the slowest step, and organisations are rarely revoked.
                len(self.organisations) > 0
                and issued <= self.organisations.get(str(principal.organisation_id), -1)
            )
            or (token_id != "" and token_id in self.tokens)
            or (sign_in != "" and sign_in in self.sign_ins)
        )

    def replace(self, document: Mapping[str, Any]) -> None:
        """Replace the content with the issuer's document. Raise ValueError if it is malformed."""
        try:
            clients = {str(k): float(v) for k, v in document["clients"].items()}
            subjects = {str(k): float(v) for k, v in document["subjects"].items()}
            organisations = {str(k): float(v) for k, v in document["organisations"].items()}
            tokens = frozenset(str(t) for t in document["tokens"])
            sign_ins = frozenset(str(s) for s in document.get("sign_ins", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a document of revocations") from error
        self.clients, self.subjects = clients, subjects
        self.organisations = organisations
        self.tokens, self.sign_ins = tokens, sign_ins
        self.known = True


class RevocationSource:
    def __init__(
        self,
        issuer_url: str | None,
        authorization: Callable[[], str],
        revocations: Revocations,
        seconds: float,
        heard: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._url = f"{issuer_url}{_LIST}" if issuer_url else None
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


class EndedRights:
    """Forwards changes of the list to each service within a second. It also sends the whole list each minute, because a
    service's database may have been restored. It sends nothing before it has read a list with suspended identities,
    because an issuer of the previous release does not send them."""

    def __init__(self, authorization: Callable[[str], str]) -> None:
        self._authorization = authorization
        self._as_of = 0.0
        self._said: dict[str, Any] | None = None
        self.last_change: str | None = None
        """The issuer's last change, "" if it has none; None before the list was read."""

    def heard(self, document: Mapping[str, Any]) -> None:
        self.last_change = document.get("last_change")
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
        """Keep one service up to date until `stop`. `url` returns None while the service is not deployed."""
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
        """Send the list. Return the reason if this fails, or else None."""
        headers = {
            "Authorization": self._authorization(f"ruta-{service}"),
            "Content-Type": "application/json",
        }
        body = orjson.dumps({"as_of": self._as_of, **said})
        try:
            async with session.put(
                f"{address}{_TOLD}", data=body, headers=headers, timeout=_TIMEOUT
            ) as answer:
                return None if answer.status == 204 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__


class RightsOfNow:
    """Forwards people's current rights to a service, page by page, after each change and once a minute. Workers check
    these rights before they send a message."""

    def __init__(
        self,
        issuer_url: str | None,
        authorization: Callable[[str], str],
        last_change: Callable[[], str | None],
    ) -> None:
        self._url = f"{issuer_url}{_PEOPLE}" if issuer_url else None
        self._authorization = authorization
        self._last_change = last_change

    async def follow(
        self,
        service: str,
        url: Callable[[], str | None],
        session: aiohttp.ClientSession,
        stop: asyncio.Event,
    ) -> None:
        """Keep one service up to date until `stop`. `url` returns None while the service is not deployed. Do nothing
        with an outside provider, which does not publish rights."""
        told: str | None = None
        told_at, quiet = float("-inf"), False
        while self._url is not None and not stop.is_set():
            last, address = self._last_change(), url()
            old = time.monotonic() - told_at >= _AGAIN_SECONDS
            if last is not None and address is not None and (last != told or old):
                error = await self._pass_on(self._url, service, f"{address}{_TOLD_PEOPLE}", session)
                if error is None:
                    told, told_at = last, time.monotonic()
                elif not quiet:
                    _log.warning("rights_untold", service=service, reason=error)
                quiet = error is not None
            await pause(stop, _AWAY_SECONDS if quiet else _LOOK_SECONDS)

    async def _pass_on(
        self, source: str, service: str, to: str, session: aiohttp.ClientSession
    ) -> str | None:
        """Forward all pages. Return the reason if this fails, or else None."""
        after: str | None = ""
        try:
            while after is not None:
                asking = {"Authorization": self._authorization("ruta-issuer")}
                async with session.get(
                    source, params={"after": after}, headers=asking, timeout=_TIMEOUT
                ) as answer:
                    page = await answer.read()
                    if answer.status != 200:
                        return f"issuer: status {answer.status}"
                headers = {
                    "Authorization": self._authorization(f"ruta-{service}"),
                    "Content-Type": "application/json",
                }
                async with session.put(to, data=page, headers=headers, timeout=_TIMEOUT) as answer:
                    if answer.status != 204:
                        return f"status {answer.status}"
                after = orjson.loads(page)["until"]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
            return type(error).__name__
        return None
