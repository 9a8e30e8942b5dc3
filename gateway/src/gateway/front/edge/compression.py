"""Compresses text for clients that take gzip, except beside a secret.

The compressed length of an answer that holds a secret and a text that an attacker chose reveals the secret (BREACH). The
route table marks such answers. A compressed answer is another representation, so it gets its own ETag; services see only
their own ETags.
"""

import asyncio
import re
import zlib
from functools import lru_cache

from gateway.front.edge.heads import Header

LEAST_BYTES = 1024
_LEVEL = 5
# Compressing more than this would hold up other requests: it runs in a thread.
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
    """RFC 9110 §12.5.3, for gzip: named or `*`, and not with a weight of zero."""
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
    """Whether the answer is of a kind that compression makes smaller, and is whole as it is."""
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
    """Caches keep the two representations apart."""
    given = b", ".join(value for name, value in headers if name == b"vary")
    if b"accept-encoding" in given.lower() or given.strip() == b"*":
        return headers
    vary = given + b", Accept-Encoding" if given else b"Accept-Encoding"
    return [(n, v) for n, v in headers if n != b"vary"] + [(b"vary", vary)]


def as_compressed(headers: list[Header]) -> list[Header]:
    """The head of the compressed representation; its length is not known yet."""
    kept = [
        (name, marked(value) if name == b"etag" else value)
        for name, value in headers
        if name not in {b"content-length", b"accept-ranges"}
    ]
    return [*kept, (b"content-encoding", b"gzip")]


def marked(etag: bytes) -> bytes:
    return etag[:-1] + _MARK if etag.endswith(b'"') else etag


def asked_of_compressed(passed: list[Header]) -> bool:
    """Whether a condition names a representation that we compressed."""
    return any(name in _CONDITIONS and _MARK in value for name, value in passed)


def as_the_service_says_it(passed: list[Header]) -> list[Header]:
    """The conditions with the service's own ETags."""
    return [
        (name, value.replace(_MARK, b'"') if name in _CONDITIONS else value)
        for name, value in passed
    ]


class Stream:
    """Compresses an answer as it passes."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def go_on(self, chunk: bytes) -> bytes:
        """Return the part that can be sent now: all of the chunk, so that a slow answer is not held back."""
        return self._compressor.compress(chunk) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._compressor.flush()


async def compressed(body: bytes) -> bytes:
    """A whole answer, compressed."""
    if len(body) > _INLINE_BYTES:
        return await asyncio.to_thread(_gzip, body)
    return _gzip(body)


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, wbits=16 + zlib.MAX_WBITS)


@lru_cache(maxsize=16)
def kept(body: bytes) -> bytes:
    """A page of the front's own, which is the same for everybody and sent often."""
    return zlib.compress(body, 9, wbits=16 + zlib.MAX_WBITS)
