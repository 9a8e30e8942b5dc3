"""Secrets and passwords: creation, argon2id hashes, comparison in constant time, and password rules.

The cost is OWASP's minimum for argon2id (19 MiB, two passes). Client secrets have 256 random bits and need no higher
cost; passwords also have a second factor and a throttle. The only rule for passwords is their length (NIST SP 800-63B
§5.1.1.2); no mix of characters is required.
"""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The hash for unknown names, so that a refusal takes equally long for them.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
# Each hash needs a core and memory, so only a few are computed at a time.
_AT_ONCE = 4
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
_LEAST_DIFFERENT = 5


class SecretChecks:
    """Computes hashes outside the event loop, a few at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def matches(self, stored: str | None, given: str) -> bool:
        """Return whether `given` is the secret. If `stored` is None (unknown name or no secret), this takes equally
        long and returns False."""
        async with self._slots:
            equal = await asyncio.to_thread(_verify, stored or _NOBODY, given)
        return equal and stored is not None

    async def hashed(self, secret: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, secret)


def new_secret() -> str:
    """Return 256 random bits, with a prefix that secret scanners recognise."""
    return f"ruta_{secrets.token_urlsafe(32)}"


def _verify(stored: str, given: str) -> bool:
    try:
        return _HASHER.verify(stored, given)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def password_fault(password: str, *, sign_in_name: str) -> str | None:
    """Return the problem with a password: `short`, `long`, `simple` or `name`. Return None if it is acceptable."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    if len(set(password)) < _LEAST_DIFFERENT:
        return "simple"
    if sign_in_name in password.lower():
        return "name"
    return None
