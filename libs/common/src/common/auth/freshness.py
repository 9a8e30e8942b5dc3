"""Decides whether a sign-in is recent enough for a sensitive action. Pure."""

from common.auth.principal import Principal
from common.clocks import BETWEEN_PROCESSES_SECONDS


def is_fresh(principal: Principal, now: float, seconds: float) -> bool:
    """Return whether this person authenticated within the last `seconds` (RFC 9470). Machine clients always pass,
    because they leave no session open. A token fails if its `auth_time` is missing or in the future."""
    if not principal.is_person:
        return True
    at = principal.signed_in_at
    return at is not None and -BETWEEN_PROCESSES_SECONDS <= now - at <= seconds
