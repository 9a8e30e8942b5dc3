"""Which request targets are accepted: one spelling of each path, so that nobody reads it twice.

Every form that another parser could read as a different path is refused before routing rather
than normalised: dot segments, empty segments, encoded slashes, backslashes, control characters.
"""

import re

MAX_PATH_BYTES = 2048
MAX_QUERY_BYTES = 8192

# RFC 3986 pchar without ";" parameters, plus "/" and complete percent triplets.
# Possessive: no backtracking, whatever an attacker writes.
_PATH = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]++|%[0-9A-Fa-f]{2})*+")
_QUERY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]|]++|%[0-9A-Fa-f]{2})*+")
_DOTS_OR_EMPTY = re.compile(rb"/(?:/|\.{1,2}(?:/|$))")
# Encoded: NUL and controls, "%", ".", "/", ";", "\", DEL. "%2e" would be a dot segment after
# decoding, "%25" would be decoded twice by somebody.
_ENCODED_DANGER = re.compile(rb"%(?:[01][0-9a-f]|2[5ef]|3b|5c|7f)", re.IGNORECASE)


def refusal_of(raw_path: bytes, query: bytes) -> str | None:
    """Why this target is not accepted, in words for the caller; None if it is."""
    if len(raw_path) > MAX_PATH_BYTES or len(query) > MAX_QUERY_BYTES:
        return f"A path has at most {MAX_PATH_BYTES} bytes and a query {MAX_QUERY_BYTES}."
    if not _PATH.fullmatch(raw_path):
        return "The path has characters that must be percent-encoded, or broken encoding."
    if b"%" in raw_path:
        if _ENCODED_DANGER.search(raw_path):
            return "The path must not contain encoded slashes, dots, backslashes or controls."
        if not _is_utf8(raw_path):
            return "The path must be UTF-8 when decoded."
    if _DOTS_OR_EMPTY.search(raw_path):
        return "The path must not contain '.', '..' or empty segments."
    if query and not _QUERY.fullmatch(query):
        return "The query has characters that must be percent-encoded, or broken encoding."
    return None


def _is_utf8(raw_path: bytes) -> bool:
    octets = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw_path)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
