"""Decides whether queued work may still run. Pure.

A request's token carries its rights. Later work (a queued import, a worker's task) and lasting objects (a webhook, a
channel, a form's secret, a link) have no token when they act. This rule checks them at that moment against the issuer's
list of ended rights.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from common.auth.principal import Principal

BELIEVED_SECONDS = 60
"""How long the front may accept a token after its revocation (`RUTA_REVOCATIONS_SECONDS` at most)."""


class Named(StrEnum):
    """The kinds of identities in the issuer's list."""

    ORGANISATION = "organisation"
    SUBJECT = "subject"
    CLIENT = "client"


class Why(StrEnum):
    ORGANISATION_SUSPENDED = "organisation_suspended"
    ACCOUNT_SUSPENDED = "account_suspended"
    RIGHTS_CHANGED = "rights_changed"


@dataclass(frozen=True)
class EndedRight:
    """One entry in the issuer's list. Tokens issued until `changed_until` (seconds since 1970) are void."""

    named: Named
    suspended: bool
    changed_until: float | None


def why_ended(found: Iterable[EndedRight], asked_at: float) -> Why | None:
    """Return the reason why work ordered at `asked_at` (seconds since 1970) under these identities must not run. Return
    None if it may run. A current suspension takes precedence. Any change of rights cancels the order; somebody who
    still has the rights can order the work again."""
    rights = tuple(found)
    suspended = {each.named for each in rights if each.suspended}
    if Named.ORGANISATION in suspended:
        return Why.ORGANISATION_SUSPENDED
    if suspended:
        return Why.ACCOUNT_SUSPENDED
    until = max((each.changed_until or 0.0 for each in rights), default=0.0)
    return Why.RIGHTS_CHANGED if until > asked_at - BELIEVED_SECONDS else None


def claims_to_act(caller: Principal, asked_at: float) -> dict[str, Any]:
    """Return the claims under which work runs later; `Principal.from_claims` reads them."""
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
    """Return the time of the order. Work queued by the previous release has no time, so only a current suspension stops
    it."""
    return float(claims.get("asked_at", float("inf")))
