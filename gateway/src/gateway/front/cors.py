"""Cross-origin calls from browsers: only from origins that the settings name."""

from collections.abc import Sequence

from gateway.front.heads import Header

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, accept-language, "
    b"x-request-id, x-csrf-token, traceparent, prefer"
)
_EXPOSED = (
    b"etag, location, link, retry-after, ratelimit, ratelimit-policy, x-request-id, deprecation, "
    b"sunset, content-disposition"
)


class Cors:
    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    @property
    def on(self) -> bool:
        return bool(self._origins)

    def headers(self, origin: bytes | None) -> list[Header]:
        """For an actual answer. Without a known origin a browser keeps the answer to itself."""
        vary = (b"vary", b"Origin")
        if origin is None or origin not in self._origins:
            return [vary] if self.on else []
        return [
            vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self, origin: bytes) -> list[Header] | None:
        """For `OPTIONS` with Access-Control-Request-Method; None for an unknown origin."""
        if origin not in self._origins:
            return None
        return [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", b"600"),
        ]
