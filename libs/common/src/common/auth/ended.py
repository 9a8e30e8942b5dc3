"""Decides whether work that was ordered earlier may still be done. Pure, no I/O.

The token of a request carries its rights. Work that is done later (a queued import, a task of a worker) and things
that stay (a webhook, a channel, a form's secret, a link) bring no token when they act: this rule judges them at that
moment, by the issuer's list of ended rights.
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
    """One entry of the issuer's list. `changed_until`: tokens issued until then (seconds since 1970) are void."""

    named: Named
    suspended: bool
    changed_until: float | None


def why_ended(found: Iterable[EndedRight], asked_at: float) -> Why | None:
    """The reason why work ordered at `asked_at` (seconds since 1970) in these names is not done; None if it is.

    A suspension of today weighs first. A change of rights voids the order, whatever changed: somebody who still may
    orders it again.
    """
    rights = tuple(found)
    suspended = {each.named for each in rights if each.suspended}
    if Named.ORGANISATION in suspended:
        return Why.ORGANISATION_SUSPENDED
    if suspended:
        return Why.ACCOUNT_SUSPENDED
    until = max((each.changed_until or 0.0 for each in rights), default=0.0)
    return Why.RIGHTS_CHANGED if until > asked_at - BELIEVED_SECONDS else None


def claims_to_act(caller: Principal, asked_at: float) -> dict[str, Any]:
    """The claims under which the work acts later, when the caller is gone; `Principal.from_claims` reads them."""
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
    """The time of the order. Work that the previous release queued has none: only a suspension of today stops it."""
    return float(claims.get("asked_at", float("inf")))
