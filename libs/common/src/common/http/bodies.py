"""ASGI middleware for every route: limits the size of bodies and refuses ambiguous JSON."""

from collections.abc import Callable
from itertools import takewhile

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common import errors
from common.errors import FieldError
from common.http.problems import is_name, pointer, problem_response
from common.json_once import RepeatedName, refuse_repeated_names
from common.middleware import header_of

LargerLimit = Callable[[str], int | None]
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER_JSON = ("multipart/", "application/x-www-form-urlencoded")


class BodyLimitMiddleware:
    """Refuses a body over the limit with 413, whether its size is declared or it is streamed. `larger` returns the
    limit for a path that allows more (imports); None means the default."""

    def __init__(self, app: ASGIApp, limit: int, larger: LargerLimit | None = None) -> None:
        self._app = app
        self._limit = limit
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = (self._larger and self._larger(scope["path"])) or self._limit
        declared = header_of(scope, b"content-length")
        if declared.isdigit() and int(declared) > limit:
            await problem_response(too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise too_large(limit)
            return message

        await self._app(scope, counted, send)


class RepeatedNamesMiddleware:
    """Refuses a JSON body in which an object repeats a name. Uploads (`larger`) pass, because their reader checks them
    piece by piece."""

    def __init__(self, app: ASGIApp, larger: LargerLimit | None = None) -> None:
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY or self._passes(scope):
            await self._app(scope, receive, send)
            return
        came: list[Message] = []
        try:
            while not came or came[-1].get("more_body", False):
                came.append(await receive())
            _check(b"".join(message.get("body", b"") for message in came))
        except errors.Problem as refused:
            await problem_response(refused)(scope, receive, send)
            return

        async def again() -> Message:
            return came.pop(0) if came else await receive()

        await self._app(scope, again, send)

    def _passes(self, scope: Scope) -> bool:
        kind = header_of(scope, b"content-type").lower()
        upload = self._larger is not None and self._larger(scope["path"]) is not None
        return upload or kind.startswith(_NEVER_JSON)


def _check(body: bytes) -> None:
    if body.lstrip()[:1] not in (b"{", b"["):
        return
    try:
        refuse_repeated_names(body)
    except RepeatedName as found:
        raise _repeated(found) from None


def again(body: bytes, receive: Receive | None = None) -> Receive:
    """Return a receive function that returns the body once, then the messages that follow. Without `receive` it returns
    the body every time."""
    first = True

    async def repeated() -> Message:
        nonlocal first
        if first or receive is None:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return repeated


def too_large(limit: int) -> errors.Problem:
    return errors.TOO_LARGE.because("at_most_bytes_are_read_here", limit)


def _repeated(found: RepeatedName) -> errors.Problem:
    """Return the problem. Its path contains only parts that look like field names, because other keys may contain
    personal data."""
    shown = list(takewhile(is_name, found.path))
    where = FieldError(pointer(["body", *shown]), "this name occurs twice", "repeated_name")
    return errors.BAD_REQUEST.because("object_of_body_names_member_twice_send", errors=[where])
