"""What an access token says (RFC 9068), and which scopes it may carry: pure, no I/O."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from gateway.issuer.organisations.identity import Identity


class ScopeNotGranted(Exception):
    """The client asked for more than it has: `invalid_scope`."""


def granted_scopes(asked: str | None, held: Sequence[str]) -> tuple[str, ...]:
    """The scopes of the token: all that are held, or those asked for if every one is held."""
    if asked is None:
        return tuple(held)
    wanted = tuple(dict.fromkeys(asked.split(" ")))
    if not set(wanted) <= set(held):
        raise ScopeNotGranted
    return tuple(scope for scope in held if scope in wanted)


def access_claims(
    identity: Identity,
    *,
    scopes: Sequence[str],
    issuer: str,
    audience: str,
    now: float,
    seconds: int,
    sign_in: str | None = None,
    signed_in_at: float | None = None,
) -> dict[str, Any]:
    """RFC 9068 §2.2 and the claims that the front turns into a principal.

    `sid` names a person's sign-in (OIDC Back-Channel Logout §2.1): it ends as a whole. `auth_time`
    says when it was (RFC 9068 §2.2.1), so that what may do much harm can ask for a fresh one.

    `iat` has milliseconds (RFC 7519 allows fractions): a revocation voids what was issued until
    that instant, and a token got right after it must not fall into the same second. Both are told by the clock of
    the database, which all replicas share: one that is ahead must not issue after a revocation that comes later.
    """
    person = {} if sign_in is None else {"sid": sign_in, "auth_time": signed_in_at}
    return {
        "iss": issuer,
        "aud": audience,
        "sub": identity.subject,
        "client_id": identity.client_id,
        "iat": round(min(now, identity.read_at), 3),
        "exp": int(now) + seconds,
        "jti": uuid4().hex,
        "scope": " ".join(scopes),
        "org": str(identity.organisation_id),
        "roles": sorted(identity.roles),
        "aors": sorted(identity.aors),
        "areas": sorted(identity.areas),
        **person,
    }
