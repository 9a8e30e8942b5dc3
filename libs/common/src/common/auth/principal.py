"""The principal: which client of which organisation calls, and what it may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Role(StrEnum):
    PARTNER = "partner"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    COORDINATOR = "coordinator"
    IM = "im"
    AUDITOR = "auditor"
    READER = "reader"
    ADMIN = "admin"


SCOPES = (
    "directory:read",
    "directory:write",
    "directory:curate",
    "referrals:read",
    "referrals:write",
    "reports:read",
    "reports:publish",
    "admin",
)
ROLE_SCOPES: Mapping[Role, frozenset[str]] = {
    role: frozenset(scopes.split())
    for role, scopes in {
        Role.PARTNER: "directory:read directory:write referrals:read referrals:write reports:read",
        Role.CASEWORKER: "directory:read referrals:read referrals:write",
        Role.SUPERVISOR: "directory:read referrals:read referrals:write reports:read",
        Role.COORDINATOR: "directory:read directory:write directory:curate referrals:read reports:read",
        Role.IM: "directory:read directory:curate referrals:read reports:read reports:publish",
        Role.AUDITOR: "referrals:read reports:read",
        Role.READER: "directory:read",
        Role.ADMIN: "directory:read admin",
    }.items()
}
"""What a role carries; what somebody has beside or lacks is an exception."""


def scopes_of(roles: Iterable[str]) -> list[str]:
    """The scopes of these roles together, in the order of `SCOPES`."""
    carried = frozenset[str]().union(*(ROLE_SCOPES[Role(role)] for role in roles))
    return [scope for scope in SCOPES if scope in carried]


_KNOWN_ROLES = frozenset(role.value for role in Role)


@dataclass(frozen=True)
class Principal:
    """`subject`: who does it, for every record of who did what: the person who signed in, or the client
    that acts by itself. The client through which people sign in is nobody. `areas` are P-codes that the
    AoR memberships hold in; empty means everywhere. `sign_in` and `signed_in_at` (seconds since 1970):
    the sign-in that a person's token comes from, and when they proved who they are; None where the
    token does not say. `outside`: another identity provider vouches for all this, also for the organisation."""

    client_id: str
    subject: str
    organisation_id: UUID | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    aors: frozenset[str] = field(default_factory=frozenset)
    areas: frozenset[str] = field(default_factory=frozenset)
    sign_in: str | None = None
    signed_in_at: float | None = None
    outside: bool = False

    @property
    def anonymous(self) -> bool:
        return self.subject == "anonymous"

    @property
    def is_person(self) -> bool:
        """Somebody who signed in, rather than a client that acts by itself (it is its own subject)."""
        return not self.anonymous and self.subject != self.client_id

    @property
    def organisation(self) -> UUID:
        """The caller's organisation; only for routes whose access rule asks for one."""
        if self.organisation_id is None:
            raise ValueError("this principal belongs to no organisation")
        return self.organisation_id

    def coordinates(self, aor: str) -> bool:
        """Whether the caller coordinates this area of responsibility."""
        return Role.COORDINATOR in self.roles and aor in self.aors

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Principal":
        """Read the claims of a verified token; ValueError if one has the wrong shape, or no client is named.

        Roles that this version does not know are dropped: they grant nothing.
        """
        organisation = claims.get("org")
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or not client_id:
            # Nobody would know a person from a client that acts by itself, of which less is asked.
            raise ValueError("claim 'client_id' must name a client")
        return cls(
            client_id=client_id,
            subject=str(claims["sub"]),
            organisation_id=UUID(str(organisation)) if organisation else None,
            roles=frozenset(Role(r) for r in _texts(claims, "roles") if r in _KNOWN_ROLES),
            scopes=frozenset(str(claims.get("scope") or "").split()),
            aors=frozenset(_texts(claims, "aors")),
            areas=frozenset(_texts(claims, "areas")),
            sign_in=str(claims["sid"]) if "sid" in claims else None,
            signed_in_at=_moment(claims, "auth_time"),
            outside=claims.get("outside") is True,
        )


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f"claim {name!r} must be a number")
    return value


def _texts(claims: Mapping[str, Any], name: str) -> list[str]:
    values = claims.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"claim {name!r} must be a list of texts")
    return values


ANONYMOUS = Principal(client_id="anonymous", subject="anonymous")
