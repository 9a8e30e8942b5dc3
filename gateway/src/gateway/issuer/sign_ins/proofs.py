"""Proofs of a sign-in: the second factor, and PKCE (RFC 7636). Pure."""

import base64
import hashlib
import hmac
import re
from enum import StrEnum


class Factor(StrEnum):
    CODE = "code"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"

    @property
    def amr(self) -> list[str]:
        """Return the authentication methods (RFC 8176). A recovery code counts as a one-time password."""
        return ["pwd", "pop" if self is Factor.PASSKEY else "otp", "mfa"]


_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def proves(verifier: str, challenge: str) -> bool:
    """Return whether the verifier matches the earlier challenge (RFC 7636 §4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
