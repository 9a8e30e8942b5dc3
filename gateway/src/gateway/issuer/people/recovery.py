"""Recovery codes: what a person signs in with once each, when the phone with the codes is away."""

import hashlib
import hmac
import secrets
from uuid import UUID

from common import crypto

HOW_MANY = 8
# Without what is read wrongly from paper (0 o, 1 l i): 12 of 31 characters are 59 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _IN_GROUP = 3, 4


class RecoveryCodes:
    """`master`: 32 bytes. The digests are keyed, so that a stolen table cannot be searched for codes."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta recovery code")

    def digest(self, person_id: UUID, code: str) -> bytes:
        """The same however the code is typed: in capitals, with spaces, without dashes."""
        typed = "".join(code.lower().replace("-", "").split())
        return hmac.new(self._key, person_id.bytes + typed.encode(), hashlib.sha256).digest()


def new_codes() -> list[str]:
    return [_new_code() for _ in range(HOW_MANY)]


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_IN_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
