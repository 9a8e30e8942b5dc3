"""One request and its response while they pass through the front."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from common.errors import Problem
from common.ids import new_text
from common.pages.look import SWITCH
from common.words.languages import page_language

from gateway.front.callers.tokens import Caller
from gateway.front.description import outcomes
from gateway.front.edge.bodies import MOST_FORM_BYTES, Body, ClientLeft
from gateway.front.edge.compression import takes_gzip
from gateway.front.edge.headers import SecurityHeaders
from gateway.front.edge.heads import Head, Header, prefers_html
from gateway.front.edge.limits import Allowance
from gateway.front.public_pages import PublicPages, Typed
from gateway.front.routes import Route, deprecation_headers

PROBLEM = b"application/problem+json"
BODILESS_STATUSES = frozenset({204, 304})
_MOST_FIELDS = 30
_PIECE_BYTES = 64 * 1024
_LANGUAGE = re.compile(rb"(?:^|&)language=(es|en)(?:&|$)")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class SignedIn:
    """A signed-in person with their access token. `name` is the sign-in name. Without activity, the session ends at
    `idle_until` (seconds since 1970)."""

    token: str = field(repr=False)
    name: str | None
    organisation_name: str | None
    language: str | None
    idle_until: float


@dataclass(slots=True)
class Exchange:
    """One request and its response. `status` is 0 until the response begins."""

    scope: Scope
    receive: Receive
    send: Send
    security: SecurityHeaders
    pages: PublicPages
    method: str = field(init=False)
    path: str = field(init=False)
    head: Head = field(default_factory=Head)
    route: Route | None = None
    caller: Caller | None = None
    source: str = "unknown"
    allowance: Allowance | None = None
    cors: list[Header] = field(default_factory=list)
    # The front's cookies for the response, whether it comes from the front or a service.
    cookies: list[Header] = field(default_factory=list)
    # The session's CSRF token, with which a service verifies its forms.
    csrf: str | None = None
    # The signed-in person, for pages that call the API on their behalf.
    signed_in: SignedIn | None = None
    started: float = field(default_factory=time.perf_counter)
    request_id: bytes = b""
    body: Body | None = None
    status: int = 0
    sent_bytes: int = 0

    def __post_init__(self) -> None:
        self.method = self.scope["method"]
        self.path = self.scope["path"]

    @property
    def target(self) -> bytes:
        """Return path and query exactly as the client wrote them. The front has already checked them."""
        query: bytes = self.scope["query_string"]
        raw: bytes = self.scope["raw_path"]
        return raw + b"?" + query if query else raw

    @property
    def takes_html(self) -> bool:
        return prefers_html(dict(self.head.passed).get(b"accept", b""))

    @property
    def is_opened(self) -> bool:
        """Return whether a browser opens this address as a page. Old phones do not send Sec-Fetch-Mode."""
        return self.takes_html and self.head.own.get(b"sec-fetch-mode", b"navigate") == b"navigate"

    @property
    def asked_language(self) -> str | None:
        asked = _LANGUAGE.search(self.scope["query_string"])
        return asked[1].decode() if asked else None

    @property
    def reads_outcomes(self) -> bool:
        """Return whether problems are sent as a FHIR OperationOutcome."""
        route = self.route
        if route is None or not route.speaks_fhir(self.method, self.path):
            return False
        return not outcomes.wants_problem(dict(self.head.passed).get(b"accept", b""))

    @property
    def language(self) -> str:
        accepted = dict(self.head.passed).get(b"accept-language", b"").decode("latin-1")
        return page_language(self.asked_language, accepted)

    @property
    def takes_gzip(self) -> bool:
        """Return whether the client accepts gzip. A range always refers to the uncompressed response."""
        takes = takes_gzip(self.head.own.get(b"accept-encoding"))
        return takes and not any(name == b"range" for name, _ in self.head.passed)

    @property
    def limit_key(self) -> str:
        return self.caller.key if self.caller else self.source

    def name_request(self) -> bytes:
        """Return the request id: the client's id if it is well formed, otherwise a new one."""
        if not self.request_id:
            self.request_id = self.head.request_id or new_text().encode()
        return self.request_id

    async def begin(self, status: int, headers: list[Header], whole: bytes | None = None) -> None:
        """Send the status and the headers, including those that every response has. With `whole`, send the entire body
        too."""
        self.status = status
        headers.append((b"x-request-id", self.name_request()))
        if self.cookies:  # personal, so no cache may serve the response to another person
            headers = [header for header in headers if header[0] != b"cache-control"]
            headers.extend(self.cookies)
        self.security.add_to(headers)
        if self.allowance is not None:
            headers.extend(self.allowance.headers())
        if self.route is not None and self.route.deprecation is not None:
            headers.extend(deprecation_headers(self.route.deprecation))
        headers.extend(self.cors)
        if status in BODILESS_STATUSES:
            headers = [header for header in headers if header[0] != b"content-length"]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if whole is not None:
            # Send chunks, because before each one uvicorn waits until the client has read the previous chunk
            for start in range(0, len(whole) or 1, _PIECE_BYTES):
                piece = whole[start : start + _PIECE_BYTES]
                await self.go_on(piece, more=start + _PIECE_BYTES < len(whole))

    async def go_on(self, chunk: bytes, *, more: bool) -> None:
        self.sent_bytes += len(chunk)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        try:
            await self.send(message)
        except RuntimeError as error:
            # uvloop raises this if the client disconnected between two of its callbacks.
            if "handler is closed" not in str(error):
                raise
            raise ClientLeft from None

    async def answer(self, status: int, headers: list[Header], body: bytes = b"") -> None:
        if status not in BODILESS_STATUSES:
            headers.append((b"content-length", str(len(body)).encode()))
        await self.begin(status, headers, body)

    async def refuse(self, problem: Problem) -> None:
        """Respond with a problem detail, unless a response has already begun."""
        if self.status:
            return
        body = {**problem.body(), "request_id": self.name_request().decode()}
        headers, content = await self.as_problem(body)
        headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in problem.headers.items()]
        if problem.kind.status in {400, 408, 431}:
            # The client may see the connection's framing differently.
            headers.append((b"connection", b"close"))
        if any(name == b"ratelimit" for name, _ in headers):
            self.allowance = None
        await self.answer(problem.kind.status, headers, content)

    async def as_problem(self, body: dict[str, Any]) -> tuple[list[Header], bytes]:
        """Return the headers and the body of a problem. A person gets a page with the typed text; a FHIR client gets an
        OperationOutcome."""
        if not self.is_opened and self.reads_outcomes:
            return [(b"content-type", outcomes.MEDIA_TYPE)], orjson.dumps(outcomes.outcome(body))
        if not self.is_opened:
            return [(b"content-type", PROBLEM)], orjson.dumps(body)
        request_id = self.name_request().decode()
        return self.pages.problem(self.language, body, request_id, await self._typed())

    async def _typed(self) -> Typed | None:
        """Return the text typed into a public form. Other forms may contain passwords, which no page may show."""
        if not self.is_form or self.route is None:
            return None
        if not self.route.is_public(self.method, self.path):
            return None
        if self.body is None:  # the request was refused before its body was read
            self.body = Body(self.receive, limit=MOST_FORM_BYTES, idle_seconds=10, total_seconds=20)
            self.body.keep()
        content = await self.body.kept()
        if content is None:
            return None
        try:
            fields = parse_qsl(content.decode("ascii"), max_num_fields=_MOST_FIELDS)
        except ValueError:
            return None
        typed = [(name, value) for name, value in fields if name != SWITCH]
        return Typed(self.target.decode("latin-1"), typed) if typed else None

    @property
    def is_form(self) -> bool:
        kind = dict(self.head.passed).get(b"content-type", b"")
        return self.method == "POST" and kind.startswith(b"application/x-www-form-urlencoded")
