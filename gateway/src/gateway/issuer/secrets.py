"""Secrets and passwords: made here, kept as argon2id hashes, compared in constant time.

The cost is OWASP's minimum for argon2id (19 MiB, two passes): client secrets have 256 random bits
and need no more, passwords are backed by a second factor and a throttle.
"""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What an unknown name is compared with, so that it takes as long as a known one.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
# Hashing takes memory and a core: few at a time, the rest waits.
_AT_ONCE = 4


class SecretChecks:
    """Hashes off the event loop, a few at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def matches(self, stored: str | None, given: str) -> bool:
        """Whether `given` is the secret; `None` (nobody, or no secret) takes as long and is False."""
        async with self._slots:
            equal = await asyncio.to_thread(_verify, stored or _NOBODY, given)
        return equal and stored is not None

    async def hashed(self, secret: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, secret)


def new_secret() -> str:
    """256 random bits, with a prefix that secret scanners can find."""
    return f"ruta_{secrets.token_urlsafe(32)}"


def _verify(stored: str, given: str) -> bool:
    try:
        return _HASHER.verify(stored, given)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
