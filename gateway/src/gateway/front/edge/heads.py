"""Parses the headers of requests and responses. Pure.

Ambiguous headers are refused, and only listed headers pass in either direction. Therefore, no header that a client
invents (identity headers, `X_Tenant`, `Connection: X-Tenant`, forwarding headers) reaches a service, and no internal
header of a service reaches a client.

A target that another parser could read as a different path is refused, never normalised: dot segments, empty segments,
encoded slashes, backslashes, control characters.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from common.words.details import Coded, Detail

Header = tuple[bytes, bytes]

MAX_HEADERS = 64
MAX_HEAD_BYTES = 24 * 1024

FORWARDED_TO_SERVICES = frozenset(
    {
        b"accept",
        b"accept-language",
        b"content-encoding",
        b"content-language",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"last-event-id",
        b"prefer",
        b"range",
        # Standard Webhooks: partners sign their callbacks to us.
        b"webhook-id",
        b"webhook-signature",
        b"webhook-timestamp",
        # The secret of an intake form, for form tools that cannot sign requests.
        b"x-form-secret",
    }
)
RETURNED_TO_CLIENTS = frozenset(
    {
        b"accept-ranges",
        b"allow",
        b"cache-control",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-security-policy",
        b"content-type",
        b"cross-origin-resource-policy",
        b"deprecation",
        b"etag",
        b"expires",
        b"last-modified",
        b"link",
        b"location",
        b"preference-applied",
        b"retry-after",
        b"sunset",
        b"vary",
        b"www-authenticate",
        b"x-robots-tag",
        b"x-total-items",
    }
)
# Headers that the front itself reads. Each may occur once.
_OWN = frozenset(
    {
        b"accept-encoding",
        b"access-control-request-headers",
        b"access-control-request-method",
        b"authorization",
        b"content-length",
        b"cookie",
        b"host",
        b"origin",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"traceparent",
        b"tracestate",
        b"transfer-encoding",
        b"x-csrf-token",
        b"x-forwarded-for",
        b"x-request-id",
    }
)
# Headers defined as lists (RFC 9110 §5.3), whose repeated lines form one value.
_REPEATABLE = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"if-match",
        b"if-none-match",
        b"cookie",
        b"prefer",
    }
    | {b"x-forwarded-for", b"tracestate", b"connection"}
)
_HOST = re.compile(rb"(?:[A-Za-z0-9\-._]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9\-_.]{8,64}")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACESTATE = re.compile(rb"[\x20-\x7e]{1,512}")


class BadHead(Coded):
    """The head is ambiguous."""


class LargeHead(Coded):
    """The request head is too large."""


@dataclass(slots=True)
class Head:
    """The headers that Ruta uses. The front reads those in `own`; those in `passed` go to the service."""

    own: dict[bytes, bytes] = field(default_factory=dict)
    passed: list[Header] = field(default_factory=list)

    @property
    def content_length(self) -> int | None:
        length = self.own.get(b"content-length")
        return int(length) if length is not None else None

    @property
    def has_body(self) -> bool:
        return b"transfer-encoding" in self.own or self.own.get(b"content-length", b"0") != b"0"

    @property
    def request_id(self) -> bytes | None:
        """Return the client's request id if it is well formed. It appears in the response and in the logs."""
        given = self.own.get(b"x-request-id")
        return given if given is not None and _REQUEST_ID.fullmatch(given) else None

    @property
    def traceparent(self) -> bytes | None:
        """Return the W3C trace context if it has version 00 and is not all zeros."""
        given = self.own.get(b"traceparent")
        return given if given is not None and _TRACEPARENT.fullmatch(given) else None

    @property
    def tracestate(self) -> bytes | None:
        given = self.own.get(b"tracestate")
        return given if given is not None and _TRACESTATE.fullmatch(given) else None


def read_head(headers: Iterable[Header]) -> Head:
    """Split a request's headers (names in lower case) into those for the front and those for the service. Raise BadHead
    if they are ambiguous."""
    head = Head()
    own, passed = head.own, head.passed
    seen: set[bytes] = set()
    total = count = 0
    for name, value in headers:
        total += len(name) + len(value) + 4
        count += 1
        if 0 in value:
            raise BadHead("header_must_not_contain_nul")
        mine = name in _OWN
        if not mine and name not in FORWARDED_TO_SERVICES:
            continue
        if name in seen and name not in _REPEATABLE:
            raise BadHead("header_may_occur_only_once", name.decode("latin-1"))
        seen.add(name)
        if not mine:
            passed.append((name, value))
        elif name in own:
            own[name] += (b"; " if name == b"cookie" else b", ") + value
        else:
            own[name] = value
    if total > MAX_HEAD_BYTES or count > MAX_HEADERS:
        raise LargeHead("at_most_headers_and_bytes_are_read", MAX_HEADERS, MAX_HEAD_BYTES)
    _check_framing(own)
    return head


def _check_framing(own: dict[bytes, bytes]) -> None:
    host = own.get(b"host")
    if host is None or not _HOST.fullmatch(host):
        raise BadHead("one_well_formed_host_is_needed")
    length = own.get(b"content-length")
    if length is not None:
        if not (length.isdigit() and len(length) <= 18):
            raise BadHead("content_length_must_be_number")
        if b"transfer-encoding" in own:
            raise BadHead("length_and_coding_exclude_each_other")
    if own.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise BadHead("only_chunked_is_read")


def returned(
    headers: Iterable[Header], *, cookies: bool, own_cookies: tuple[str, ...] = ()
) -> list[Header]:
    """Return the headers (names in lower case) of an upstream's response that the client may see. With `cookies`, the
    service may set any cookie; otherwise it may only set `own_cookies`."""
    return [
        (name, value)
        for name, value in headers
        if name in RETURNED_TO_CLIENTS
        or (name == b"set-cookie" and (cookies or _name(value) in own_cookies))
    ]


def cookie(head: Head, name: str) -> bytes | None:
    """Return the last cookie of this name in the request. Ruta's cookies are never quoted, so the slow `http.cookies`
    is not needed."""
    wanted = name.encode() + b"="
    pairs = head.own.get(b"cookie", b"").split(b";")
    found = [pair[len(wanted) :] for each in pairs if (pair := each.strip()).startswith(wanted)]
    return found[-1] if found else None


def named_cookies(head: Head, names: tuple[str, ...]) -> list[Header]:
    """Return a list with one Cookie header that contains only these names, or an empty list if there are none."""
    pairs = [pair.strip() for pair in head.own.get(b"cookie", b"").split(b";")]
    kept = [pair for pair in pairs if _name(pair) in names]
    return [(b"cookie", b"; ".join(kept))] if kept else []


def _name(cookie: bytes) -> str:
    return cookie.partition(b"=")[0].decode("latin-1")


MAX_PATH_BYTES = 2048
MAX_QUERY_BYTES = 8192

# RFC 3986 pchar without ";" parameters, plus "/" and complete percent triplets. The quantifier is possessive, so no
# input causes backtracking.
_PATH = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]++|%[0-9A-Fa-f]{2})*+")
_QUERY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]|]++|%[0-9A-Fa-f]{2})*+")
_DOTS_OR_EMPTY = re.compile(rb"/(?:/|\.{1,2}(?:/|$))")
# Encoded NUL and controls, "%", ".", "/", ";", "\", DEL. After decoding, "%2e" would be a dot segment, and another
# parser might decode "%25" twice.
_ENCODED_DANGER = re.compile(rb"%(?:[01][0-9a-f]|2[5ef]|3b|5c|7f)", re.IGNORECASE)


def refusal_of(raw_path: bytes, query: bytes) -> Detail | None:
    """Return the reason why the target is refused, or None if it is acceptable."""
    if len(raw_path) > MAX_PATH_BYTES or len(query) > MAX_QUERY_BYTES:
        return Detail.of("path_and_query_have_at_most_bytes", MAX_PATH_BYTES, MAX_QUERY_BYTES)
    if not _PATH.fullmatch(raw_path):
        return Detail("path_is_not_well_encoded")
    if b"%" in raw_path:
        if _ENCODED_DANGER.search(raw_path):
            return Detail("path_has_encoded_separators")
        if not _is_utf8(raw_path):
            return Detail("path_must_be_utf_8")
    if _DOTS_OR_EMPTY.search(raw_path):
        return Detail("path_has_dots_or_empty_segments")
    if query and not _QUERY.fullmatch(query):
        return Detail("query_is_not_well_encoded")
    return None


def _is_utf8(raw_path: bytes) -> bool:
    octets = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw_path)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


_JSON = ("application/json", "application/problem+json")


@lru_cache(maxsize=64)
def prefers_html(accept: bytes) -> bool:
    """Return whether an Accept header includes HTML and prefers it to JSON (RFC 9110 §12.5.1). `*/*` does not include
    HTML."""
    weights: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        weights[kind] = min((_weight(each) for each in parameters), default=1.0)
    html = weights.get("text/html", 0)
    return html > 0 and html >= max(weights.get(kind, 0) for kind in _JSON)


def _weight(parameter: str) -> float:
    """Return the weight that a parameter specifies: 1 for any parameter except `q`, 0 if `q` is malformed."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
