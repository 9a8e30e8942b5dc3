"""Headers for browsers: security headers, and CORS for pages on other sites."""

from collections.abc import Sequence

from gateway.front.edge.heads import Header

_API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DOCS_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    b"form-action 'self'"
)
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    # Not "no-referrer", which makes browsers without Sec-Fetch-Site send our own forms with `Origin: null`.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"geolocation=(), camera=(), microphone=(), display-capture=(), clipboard-read=()",
    ),
)
_TRANSPORT: Header = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class SecurityHeaders:
    """Adds security headers. `https` tells whether clients use TLS, without which HSTS has no effect."""

    def __init__(self, *, https: bool) -> None:
        self._always = [*_ALWAYS, *([_TRANSPORT] if https else [])]

    def add_to(self, headers: list[Header]) -> None:
        """Append the missing headers. An upstream may set its own cache and content policies."""
        names = {name for name, _ in headers}
        headers.extend(self._always)
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-store"))
        if b"content-security-policy" not in names:
            headers.append((b"content-security-policy", _API_POLICY))


_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, accept-language, "
    b"x-request-id, x-csrf-token, traceparent, prefer"
)
_EXPOSED = (
    b"etag, location, content-location, link, retry-after, ratelimit, ratelimit-policy, x-request-id, deprecation, "
    b"sunset, content-disposition, x-total-items"
)
_OPEN_METHODS = b"GET, HEAD, POST"
# Neither Authorization nor Cookie, because pages on other sites read only the public view.
_OPEN_HEADERS = b"content-type, accept-language, if-none-match, x-request-id"
_VARY: Header = (b"vary", b"Origin")


class Cors:
    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    @property
    def on(self) -> bool:
        return bool(self._origins)

    def headers(self, origin: bytes | None, *, opened: bool) -> list[Header]:
        """Return the CORS headers of an ordinary response. `opened` marks the public view without credentials. Without
        such a header, the browser hides the response from the page."""
        if origin is not None and origin in self._origins:
            allowed = origin
        elif origin is not None and opened:
            allowed = b"*"
        else:
            return [_VARY] if self.on else []
        return [
            _VARY,
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self, origin: bytes, *, opened: bool) -> list[Header] | None:
        """Return the headers of a preflight response, or None if the origin is not allowed."""
        if origin in self._origins:
            methods, headers = _METHODS, _HEADERS
        elif opened:
            methods, headers = _OPEN_METHODS, _OPEN_HEADERS
        else:
            return None
        return [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", headers),
            (b"access-control-max-age", b"600"),
        ]
