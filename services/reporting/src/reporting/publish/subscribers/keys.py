"""Seals addresses, and derives link keys from the row's id, so that no key is stored. Pure."""

import hashlib
import hmac
from typing import Literal
from uuid import UUID

from common import crypto

Use = Literal["confirm", "leave"]
PATTERN = "^[0-9a-f]{32}[.][0-9a-f]{32}$"


class Keys:
    """Keys derived from `master` (the service's key for stored responses), one for each use."""

    def __init__(self, master: bytes) -> None:
        self._addresses = crypto.derived(master, b"subscriber-address")
        self._digests = crypto.derived(master, b"subscriber-address-digest")
        self._links = crypto.derived(master, b"subscriber-link")

    def seal(self, subscriber: UUID, address: str) -> bytes:
        return crypto.seal(self._addresses, address.encode(), _context(subscriber))

    def open(self, subscriber: UUID, sealed: bytes) -> str:
        return crypto.open_sealed(self._addresses, sealed, _context(subscriber)).decode()

    def digest(self, address: str) -> bytes:
        """Return a digest that is the same for equal addresses."""
        return hmac.digest(self._digests, address.casefold().encode(), hashlib.sha256)

    def link(self, use: Use, subscriber: UUID) -> str:
        return f"{subscriber.hex}.{self._mark(use, subscriber)}"

    def subscriber(self, use: Use, key: str) -> UUID | None:
        """Return a link's subscriber; None if the link is forged or for another use."""
        name, _, mark = key.partition(".")
        try:
            subscriber = UUID(hex=name)
        except ValueError:
            return None
        known = hmac.compare_digest(mark.encode(), self._mark(use, subscriber).encode())
        return subscriber if known else None

    def _mark(self, use: Use, subscriber: UUID) -> str:
        digest = hmac.digest(self._links, use.encode() + subscriber.bytes, hashlib.sha256)
        return digest.hex()[:32]


def _context(subscriber: UUID) -> bytes:
    return f"subscriber\n{subscriber}".encode()
