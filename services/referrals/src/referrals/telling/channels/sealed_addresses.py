"""Seals addresses and codes, and creates digests to compare them. Pure."""

import hashlib
import hmac
import secrets
from uuid import UUID

import orjson
from common import crypto

from referrals.telling.channels.kinds import ChannelKind

_DIGITS = 8


class Sealing:
    """Seals and digests. `key` is the service's key for stored responses; each use derives its own key from it."""

    def __init__(self, key: bytes) -> None:
        self._addresses = crypto.derived(key, b"channel-address")
        self._digests = crypto.derived(key, b"channel-address-digest")
        self._codes = crypto.derived(key, b"channel-code")

    def seal(self, channel: UUID, address: str) -> bytes:
        return crypto.seal(self._addresses, address.encode(), _context(channel))

    def open(self, channel: UUID, sealed: bytes) -> str:
        return crypto.open_sealed(self._addresses, sealed, _context(channel)).decode()

    def digest(self, kind: ChannelKind, address: str) -> bytes:
        """Return a digest; equal addresses have equal digests. Only a subscription's endpoint counts, because browsers
        renew the keys."""
        known = orjson.loads(address)["endpoint"] if kind is ChannelKind.PUSH else address
        return hmac.digest(self._digests, f"{kind}\n{known}".casefold().encode(), hashlib.sha256)

    def code_digest(self, channel: UUID, code: str) -> bytes:
        return hmac.digest(self._codes, channel.bytes + code.encode(), hashlib.sha256)


def new_code() -> str:
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def _context(channel: UUID) -> bytes:
    return f"channel\n{channel}".encode()
