"""Headers that every answer carries, so that a browser treats an API answer as data only."""

from gateway.front.wire.heads import Header

_API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DOCS_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    b"form-action 'self'"
)
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    # Not "no-referrer": browsers before Sec-Fetch-Site would send our own forms with `Origin: null`.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"geolocation=(), camera=(), microphone=(), display-capture=(), clipboard-read=()",
    ),
)
_TRANSPORT: Header = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class SecurityHeaders:
    """`https`: whether clients reach Ruta over TLS; only then HSTS means something."""

    def __init__(self, *, https: bool) -> None:
        self._always = [*_ALWAYS, *([_TRANSPORT] if https else [])]

    def add_to(self, headers: list[Header]) -> None:
        """Append what is missing; an upstream may say its own cache and content policy."""
        names = {name for name, _ in headers}
        headers.extend(self._always)
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-store"))
        if b"content-security-policy" not in names:
            headers.append((b"content-security-policy", _API_POLICY))
