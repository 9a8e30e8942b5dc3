"""Which redirect URIs a client may register (RFC 9700 §2.1, §4.1): pure, no I/O."""

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def acceptable_redirect(uri: str) -> str:
    """The URI as it is; ValueError unless it is https (or loopback http) without a fragment."""
    if len(uri) > 500 or not uri.isascii() or any(c.isspace() for c in uri):
        raise ValueError("a redirect URI is ASCII without spaces, at most 500 characters")
    parts = urlsplit(uri)
    if parts.fragment or "#" in uri or parts.username or "*" in uri:
        raise ValueError("a redirect URI has no fragment, user or wildcard")
    loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        raise ValueError("a redirect URI is https, or http on this machine")
    return uri


def origin_of(uri: str) -> str:
    """Scheme and authority: what a page's `form-action` must allow."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
