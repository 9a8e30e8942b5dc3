"""The proof that a code comes back from whoever began the sign-in (RFC 7636): pure, no I/O."""

import base64
import hashlib
import hmac
import re

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def proves(verifier: str, challenge: str) -> bool:
    """Whether this is the verifier whose digest was sent before (RFC 7636 §4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
