"""Which request targets are accepted: one spelling of each path, so that nobody reads it twice.

Every form that another parser could read as a different path is refused before routing rather
than normalised: dot segments, empty segments, encoded slashes, backslashes, control characters.
"""

import re

from common.words.details import Detail

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


def refusal_of(raw_path: bytes, query: bytes) -> Detail | None:
    """Why this target is not accepted; None if it is."""
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
