"""Compresses text responses for clients that accept gzip, unless they may contain a secret.

If a response contains both a secret and text that an attacker chose, its compressed length reveals the secret (BREACH).
The route table marks such responses. A compressed response is another representation and gets its own ETag. Services
see only their own ETags.
"""

import asyncio
import re
import zlib
from functools import lru_cache

from gateway.front.edge.heads import Header

LEAST_BYTES = 1024
_LEVEL = 5
# Larger responses are compressed in a thread, because compressing them here would delay other requests.
_INLINE_BYTES = 128 * 1024
_TEXTS = re.compile(
    rb"(text/(?!event-stream)[\w.+-]+|image/svg\+xml"
    rb"|application/(([\w.-]+\+)?(json|xml)|javascript|x-ndjson|ndjson|jsonl|geo\+json))\s*(;.*)?",
    re.IGNORECASE,
)
_MARK = b'-gzip"'
_CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-range"})


@lru_cache(maxsize=64)
def takes_gzip(accept_encoding: bytes | None) -> bool:
    """Return whether Accept-Encoding allows gzip: by name or `*`, with a weight above zero (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or b"").decode("latin-1").lower().split(","):
        name, _, parameters = part.partition(";")
        _, _, given = parameters.strip().partition("q=")
        try:
            weights[name.strip()] = float(given) if given else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def is_text(headers: list[Header]) -> bool:
    """Return whether the response is compressible text and not a partial response."""
    found = dict(headers)
    return (
        _is_text(found.get(b"content-type", b""))
        and b"content-encoding" not in found
        and b"content-range" not in found
        and b"no-transform" not in found.get(b"cache-control", b"")
    )


@lru_cache(maxsize=64)
def _is_text(content_type: bytes) -> bool:
    return _TEXTS.fullmatch(content_type) is not None


def with_vary(headers: list[Header]) -> list[Header]:
    """Add `Vary: Accept-Encoding`, so that caches keep the two representations apart."""
    given = b", ".join(value for name, value in headers if name == b"vary")
    if b"accept-encoding" in given.lower() or given.strip() == b"*":
        return headers
    vary = given + b", Accept-Encoding" if given else b"Accept-Encoding"
    return [(n, v) for n, v in headers if n != b"vary"] + [(b"vary", vary)]


def as_compressed(headers: list[Header]) -> list[Header]:
    """Return the headers of the compressed representation, whose length is not yet known."""
    kept = [
        (name, marked(value) if name == b"etag" else value)
        for name, value in headers
        if name not in {b"content-length", b"accept-ranges"}
    ]
    return [*kept, (b"content-encoding", b"gzip")]


def marked(etag: bytes) -> bytes:
    """Return the ETag of the compressed representation. A weak ETag stays unchanged, because it names the version, not
    the bytes."""
    strong = etag.startswith(b'"') and etag.endswith(b'"')
    return etag[:-1] + _MARK if strong else etag


def asked_of_compressed(passed: list[Header]) -> bool:
    """Return whether a condition contains an ETag of a compressed representation."""
    return any(name in _CONDITIONS and _MARK in value for name, value in passed)


def as_the_service_says_it(passed: list[Header]) -> list[Header]:
    """Return the headers, with the service's own ETags in the conditions."""
    return [
        (name, value.replace(_MARK, b'"') if name in _CONDITIONS else value)
        for name, value in passed
    ]


class Stream:
    """Compresses a response while it is streamed."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def go_on(self, chunk: bytes) -> bytes:
        """Compress a chunk and flush it, so that a slow response is not delayed."""
        return self._compressor.compress(chunk) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._compressor.flush()


async def compressed(body: bytes) -> bytes:
    if len(body) > _INLINE_BYTES:
        return await asyncio.to_thread(_gzip, body)
    return _gzip(body)


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, wbits=16 + zlib.MAX_WBITS)


@lru_cache(maxsize=16)
def kept(body: bytes) -> bytes:
    """Return the compressed body. It is cached, because the front's own pages are the same for everybody."""
    return zlib.compress(body, 9, wbits=16 + zlib.MAX_WBITS)
