"""Tokens that prove that a form was sent from one of our own pages to exactly this address.

Pages contain text that users typed and are compressed, so they must never contain the session's own CSRF token. The
lengths of many responses would reveal it (BREACH). The token in a page differs each time.
"""

import base64
import hashlib
import hmac
import secrets

FIELD = "csrf_token"
_BYTES = 32


def form_token(csrf: str, action: str) -> str:
    """Return a new token for a form that posts to `action` (a path), in the session of `csrf`."""
    mask = secrets.token_bytes(_BYTES)
    return base64.urlsafe_b64encode(mask + _xor(mask, _proof(csrf, action))).decode()


def is_form_token(given: str, csrf: str, action: str) -> bool:
    """Return whether `form_token` created the token for this session and address."""
    try:
        both = base64.urlsafe_b64decode(given.encode("ascii"))
    except ValueError:
        return False
    if len(both) != 2 * _BYTES or not csrf:
        return False
    mask, masked = both[:_BYTES], both[_BYTES:]
    return hmac.compare_digest(_xor(mask, masked), _proof(csrf, action))


def _proof(csrf: str, action: str) -> bytes:
    return hmac.new(csrf.encode(), f"ruta-form\n{action}".encode(), hashlib.sha256).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
