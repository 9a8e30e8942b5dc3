"""One request and its answer on the way through the front."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from common.errors import Problem
from common.ids import new_id
from common.languages import page_language

from gateway.front.bodies import ClientLeft
from gateway.front.callers import Caller
from gateway.front.compression import takes_gzip
from gateway.front.heads import Head, Header
from gateway.front.limits import Allowance
from gateway.front.public_pages import PublicPages
from gateway.front.routes import Route, deprecation_headers
from gateway.front.security_headers import SecurityHeaders

PROBLEM = b"application/problem+json"
_LANGUAGE = re.compile(rb"(?:^|&)language=(es|en)(?:&|$)")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Exchange:
    """`status` is 0 until an answer has begun."""

    scope: Scope
    receive: Receive
    send: Send
    security: SecurityHeaders
    pages: PublicPages
    head: Head = field(default_factory=Head)
    route: Route | None = None
    caller: Caller | None = None
    source: str = "unknown"
    allowance: Allowance | None = None
    cors: list[Header] = field(default_factory=list)
    # Cookies of the front itself that the answer sets, whoever gives it.
    cookies: list[Header] = field(default_factory=list)
    # The token of the session, for a service that compares it with that of its forms.
    csrf: str | None = None
    started: float = field(default_factory=time.perf_counter)
    request_id: bytes = b""
    status: int = 0
    sent_bytes: int = 0

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def target(self) -> bytes:
        """Path and query exactly as the client wrote them (they were checked)."""
        query: bytes = self.scope["query_string"]
        raw: bytes = self.scope["raw_path"]
        return raw + b"?" + query if query else raw

    @property
    def takes_html(self) -> bool:
        return b"text/html" in dict(self.head.passed).get(b"accept", b"")

    @property
    def is_opened(self) -> bool:
        """Whether a person opens it in a browser, as a page."""
        return self.takes_html and self.head.own.get(b"sec-fetch-mode") == b"navigate"

    @property
    def language(self) -> str:
        asked = _LANGUAGE.search(self.scope["query_string"])
        accepted = dict(self.head.passed).get(b"accept-language", b"").decode("latin-1")
        return page_language(asked and asked[1].decode(), accepted)

    @property
    def takes_gzip(self) -> bool:
        """A part of an answer is a part of the answer as it is."""
        if any(name == b"range" for name, _ in self.head.passed):
            return False
        return takes_gzip(self.head.own.get(b"accept-encoding"))

    @property
    def limit_key(self) -> str:
        return self.caller.key if self.caller else self.source

    def name_request(self) -> bytes:
        """The request id: the client's if it sent a good one, else a new one."""
        if not self.request_id:
            self.request_id = self.head.request_id or str(new_id()).encode()
        return self.request_id

    async def begin(self, status: int, headers: list[Header]) -> None:
        """Send the answer's head, completed by what every answer carries."""
        self.status = status
        headers.append((b"x-request-id", self.name_request()))
        if self.cookies:  # one person's: no cache may keep the answer for the next
            headers = [header for header in headers if header[0] != b"cache-control"]
            headers.extend(self.cookies)
        self.security.add_to(headers)
        if self.allowance is not None:
            headers.extend(self.allowance.headers())
        if self.route is not None and self.route.deprecation is not None:
            headers.extend(deprecation_headers(self.route.deprecation))
        headers.extend(self.cors)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def go_on(self, chunk: bytes, *, more: bool) -> None:
        self.sent_bytes += len(chunk)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        try:
            await self.send(message)
        except RuntimeError as error:
            # uvloop's word for a client that went in the moment between two of its callbacks.
            if "handler is closed" not in str(error):
                raise
            raise ClientLeft from None

    async def answer(self, status: int, headers: list[Header], body: bytes = b"") -> None:
        """Send a whole answer of the front's own."""
        if status not in {204, 304}:
            headers.append((b"content-length", str(len(body)).encode()))
        await self.begin(status, headers)
        await self.go_on(body, more=False)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem detail, unless an answer has begun already."""
        if self.status:
            return
        body = {**problem.body(), "request_id": self.name_request().decode()}
        headers, content = self.as_problem(body)
        headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in problem.headers.items()]
        if problem.kind.status in {400, 408, 431}:
            # The connection's framing may not be what the client thinks it is.
            headers.append((b"connection", b"close"))
        if any(name == b"ratelimit" for name, _ in headers):
            self.allowance = None
        await self.answer(problem.kind.status, headers, content)

    def as_problem(self, body: dict[str, Any]) -> tuple[list[Header], bytes]:
        """A problem detail; for a person, a page."""
        if self.is_opened:
            return self.pages.problem(self.language, body, self.name_request().decode())
        return [(b"content-type", PROBLEM)], orjson.dumps(body)
