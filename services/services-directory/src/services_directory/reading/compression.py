"""Answers in the coding that a client asks for: Zstandard, which copies of the whole directory are smallest in, or gzip."""

import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services_directory.reading.answers import GEOJSON, NDJSON

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports.zstd import ZstdCompressor
else:
    from compression.zstd import ZstdCompressor

LEAST_BYTES = 2_000
_LEVEL = 4
_KINDS = frozenset(
    {NDJSON, GEOJSON, "application/json", "image/svg+xml", "text/html", "text/plain", "text/css"}
)
_WITHOUT_A_BODY = frozenset({204, 205, 304})


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def _gzip() -> _Compressor:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)


def _zstd() -> _Compressor:
    return ZstdCompressor(_LEVEL)


_CODINGS: dict[str, Callable[[], _Compressor]] = {"zstd": _zstd, "gzip": _gzip}
"""What is made, the best first."""


@lru_cache(maxsize=128)
def coding_of(accept_encoding: str) -> str | None:
    """The best of those that are welcome (RFC 9110 §12.5.3): named, or any by `*`, and not with a weight of zero."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            weights[name] = 0.0
    other = weights.get("*", 0.0)
    return next((each for each in _CODINGS if weights.get(each, other) > 0), None)


class Compressing:
    """Who asks for no coding that is made here is answered as if this were not there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = ",".join(Headers(scope=scope).getlist("accept-encoding")) if _http(scope) else ""
        coding = coding_of(asked) if asked else None
        await self._app(scope, receive, send if coding is None else _Answer(send, coding))


def _http(scope: Scope) -> bool:
    return bool(scope["type"] == "http")


class _Answer:
    """Sends on what it is given, the body compressed where that is worth it: what is told first waits for the first
    part of the body, which says so."""

    def __init__(self, send: Send, coding: str) -> None:
        self._send, self._coding = send, coding
        self._start: Message | None = None
        self._compressor: _Compressor | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _compressible(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if message["type"] == "http.response.body" and _is_worth_it(message):
                message = self._begin(start, message)
            await self._send(start)
        elif self._compressor is not None and message["type"] == "http.response.body":
            message = self._compressed(self._compressor, message)
            if message["more_body"] and not message["body"]:
                return  # it is kept until there is enough of it
        await self._send(message)

    def _begin(self, start: Message, message: Message) -> Message:
        self._compressor = _CODINGS[self._coding]()
        message = self._compressed(self._compressor, message)
        headers = MutableHeaders(raw=start["headers"])
        headers["content-encoding"] = self._coding
        headers.add_vary_header("Accept-Encoding")
        if message["more_body"]:
            del headers["content-length"]
        else:
            headers["content-length"] = str(len(message["body"]))
        return message

    @staticmethod
    def _compressed(compressor: _Compressor, message: Message) -> Message:
        body, more = compressor.compress(message.get("body", b"")), message.get("more_body", False)
        return {
            "type": "http.response.body",
            "body": body if more else body + compressor.flush(),
            "more_body": more,
        }


def _compressible(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    whole = start["status"] not in _WITHOUT_A_BODY and "content-range" not in headers
    return whole and kind in _KINDS and "content-encoding" not in headers


def _is_worth_it(message: Message) -> bool:
    return message.get("more_body", False) or len(message.get("body", b"")) >= LEAST_BYTES
