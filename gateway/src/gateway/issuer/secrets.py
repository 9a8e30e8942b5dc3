"""Secrets and passwords: made here, kept as argon2id hashes, compared in constant time; what a password must be.

The cost is OWASP's minimum for argon2id (19 MiB, two passes): client secrets have 256 random bits and need no more,
passwords are backed by a second factor and a throttle. Of a password only its length helps (NIST SP 800-63B §5.1.1.2):
nobody is asked for signs of several kinds.
"""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The hash for unknown names, so that refusing them takes as long.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
# Hashing takes memory and a core: only a few run at a time.
_AT_ONCE = 4
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
_LEAST_DIFFERENT = 5


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


def password_fault(password: str, *, sign_in_name: str) -> str | None:
    """`short`, `long`, `simple` or `name`; None if it will do."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    if len(set(password)) < _LEAST_DIFFERENT:
        return "simple"
    if sign_in_name in password.lower():
        return "name"
    return None
