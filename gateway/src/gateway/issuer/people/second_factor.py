"""Time-based one-time passwords (RFC 6238), each usable once. Secrets are kept sealed."""

from datetime import datetime
from uuid import UUID

import pyotp
from common import crypto

STEP_SECONDS = 30
# One step before and after: authenticator clocks drift.
_DRIFT_STEPS = (-1, 0, 1)


class SecondFactors:
    """`master`: 32 bytes; the sealing key is derived from it for this use only."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta second factor")

    def new(self, person_id: UUID) -> tuple[str, bytes]:
        """A new secret (base32) and its sealed form."""
        secret = pyotp.random_base32()
        return secret, self.sealed(person_id, secret)

    def sealed(self, person_id: UUID, secret: str) -> bytes:
        return crypto.seal(self._key, secret.encode(), person_id.bytes)

    def step_of(
        self, person_id: UUID, sealed: bytes, code: str, *, now: datetime, last_step: int
    ) -> int | None:
        """The time step whose code this is, if it is later than the last one used; else None."""
        secret = crypto.open_sealed(self._key, sealed, person_id.bytes).decode()
        totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
        current = int(now.timestamp()) // STEP_SECONDS
        for step in (current + drift for drift in _DRIFT_STEPS):
            if step > last_step and pyotp.utils.strings_equal(totp.generate_otp(step), code):
                return step
        return None


def provisioning_uri(secret: str, sign_in_name: str) -> str:
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=sign_in_name, issuer_name="Ruta"
    )


def code_at(uri: str, now: datetime) -> str:
    """What an authenticator app that holds this provisioning URI shows."""
    return pyotp.TOTP(pyotp.parse_uri(uri).secret, interval=STEP_SECONDS).at(now)
