"""When somebody's sign-in is fresh enough for an act that can do much harm: pure, no I/O."""

from common.auth.principal import Principal
from common.clocks import BETWEEN_PROCESSES_SECONDS


def is_fresh(principal: Principal, now: float, seconds: float) -> bool:
    """Whether this person proved who they are within so many seconds (RFC 9470). A client that acts by
    itself leaves no session open; a token that does not say when is not fresh, nor one of tomorrow."""
    if not principal.is_person:
        return True
    at = principal.signed_in_at
    return at is not None and -BETWEEN_PROCESSES_SECONDS <= now - at <= seconds
