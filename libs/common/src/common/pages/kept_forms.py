"""Seals the text typed into a form for the few minutes until its page appears again.

Only the session that sent the text can open it. It is stored in a browser cookie, not on a server. Once the session
ends, nobody has the secret that opens it.
"""

import base64
import binascii
import zlib

from common import clock
from common.crypto import CannotOpen, derived, open_sealed, seal

COOKIES = ("ruta-typed", "ruta-typed-more")
"""A long form also uses the second cookie. Two pages with two cookies each stay below the limit for request headers."""
KEPT_SECONDS = 10 * 60
MOST_CHARACTERS = 3800
"""Browsers limit a cookie with its name to 4,096 bytes."""
_MOST_BYTES = 256 * 1024
_TIME_BYTES = 8


def kept_form(csrf: str, place: str, content: bytes) -> list[str]:
    """Return the cookies, which can be opened only in this session and at this `place` (the address and number of the
    form). Return an empty list if the text is too long."""
    until = int(clock.now().timestamp()) + KEPT_SECONDS
    packed = until.to_bytes(_TIME_BYTES, "big") + zlib.compress(content, 9)
    made = base64.urlsafe_b64encode(seal(_key(csrf), packed, place.encode())).decode().rstrip("=")
    if len(made) > MOST_CHARACTERS * len(COOKIES) or len(content) > _MOST_BYTES:
        return []
    return [made[at : at + MOST_CHARACTERS] for at in range(0, len(made), MOST_CHARACTERS)]


def opened_form(given: str, csrf: str, place: str) -> bytes | None:
    """Return the text, or None if it belongs to another session or form or is older than ten minutes."""
    try:
        sealed = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        packed = open_sealed(_key(csrf), sealed, place.encode())
    except (CannotOpen, binascii.Error, ValueError):
        return None
    if int.from_bytes(packed[:_TIME_BYTES], "big") < clock.now().timestamp():
        return None
    return zlib.decompress(packed[_TIME_BYTES:])


def _key(csrf: str) -> bytes:
    return derived(csrf.encode(), b"ruta-typed")
