"""Whether what was asked for earlier may still be done. Pure, no I/O.

A request is judged by its token. What it leaves to be done later (a queued import, a task of a worker), or what
stands from then on (a webhook, a channel, a form's secret, a link), brings no token when it acts: it is judged by
this, at that moment, from what the issuer says of those in whose name it acts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.auth.principal import Principal

BELIEVED_SECONDS = 60
"""So long the front may go on believing a token that was withdrawn (`RUTA_REVOCATIONS_SECONDS` at most)."""


class Named(StrEnum):
    """Whose rights end, by the words of the issuer's list."""

    ORGANISATION = "organisation"
    SUBJECT = "subject"
    CLIENT = "client"


class Why(StrEnum):
    ORGANISATION_SUSPENDED = "organisation_suspended"
    ACCOUNT_SUSPENDED = "account_suspended"
    RIGHTS_CHANGED = "rights_changed"


@dataclass(frozen=True)
class EndedRight:
    """What the issuer says of one. `changed_until`: tokens issued until then (seconds since 1970) are void."""

    named: Named
    suspended: bool
    changed_until: float | None


def why_ended(found: Iterable[EndedRight], asked_at: float) -> Why | None:
    """Why what was asked for at `asked_at` (seconds since 1970) in the name of these is not done; None: it is.

    Suspended now weighs first. Rights that were changed since are not weighed against what was asked for: whoever
    still may sends it again."""
    rights = tuple(found)
    suspended = {each.named for each in rights if each.suspended}
    if Named.ORGANISATION in suspended:
        return Why.ORGANISATION_SUSPENDED
    if suspended:
        return Why.ACCOUNT_SUSPENDED
    until = max((each.changed_until or 0.0 for each in rights), default=0.0)
    return Why.RIGHTS_CHANGED if until > asked_at - BELIEVED_SECONDS else None


def claims_to_act(caller: Principal, asked_at: float) -> dict[str, Any]:
    """The claims to act under later, when whoever asked is gone; `Principal.from_claims` reads them."""
    claims = {
        "sub": caller.subject,
        "client_id": caller.client_id,
        "roles": sorted(caller.roles),
        "scope": " ".join(sorted(caller.scopes)),
        "aors": sorted(caller.aors),
        "areas": sorted(caller.areas),
        "asked_at": asked_at,
    }
    if caller.organisation_id is not None:
        claims["org"] = str(caller.organisation_id)
    if caller.outside:
        claims["outside"] = True
    return claims


def asked_at(claims: Mapping[str, Any]) -> float:
    """When; what was queued by the release before does not say, and is asked whether it stands suspended only."""
    return float(claims.get("asked_at", float("inf")))
