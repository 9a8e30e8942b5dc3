"""The principal: which client of which organisation is calling, and what it may do."""

from collections.abc import Collection, Iterable, Mapping
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
"""The usual scopes of a role; additional or missing ones are exceptions."""


def scopes_of(roles: Iterable[str]) -> list[str]:
    """Return the combined scopes of these roles, in the order of `SCOPES`."""
    carried = frozenset[str]().union(*(ROLE_SCOPES[Role(role)] for role in roles))
    return [scope for scope in SCOPES if scope in carried]


_KNOWN_ROLES = frozenset(role.value for role in Role)


@dataclass(frozen=True)
class Principal:
    """The caller.

    `subject` is the actor in every record: the signed-in person, or the client that acts for itself. `areas` are the
    P-codes to which the AoR memberships apply; empty means everywhere. `sign_in` is the sign-in of a person's token and
    `signed_in_at` its time (seconds since 1970). Both are None if the token lacks them. `outside` means that another
    identity provider asserts all these values, including the organisation.
    """

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
        """Return whether this is a signed-in person and not a client that acts for itself. Such a client is its own
        subject."""
        return not self.anonymous and self.subject != self.client_id

    @property
    def organisation(self) -> UUID:
        """Return the caller's organisation. Use it only in routes whose access rule requires one."""
        if self.organisation_id is None:
            raise ValueError("this principal belongs to no organisation")
        return self.organisation_id

    def may(self, scope: str, roles: Collection[Role]) -> bool:
        """Return whether the caller has the scope and one of the roles."""
        return scope in self.scopes and not self.roles.isdisjoint(roles)

    def coordinates(self, aor: str) -> bool:
        """Return whether the caller coordinates this area of responsibility."""
        return Role.COORDINATOR in self.roles and aor in self.aors

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Principal":
        """Read the claims of a verified token. Raise ValueError if a claim is malformed or no client is named. Roles
        that this version does not know are dropped, so they grant nothing."""
        organisation = claims.get("org")
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or not client_id:
            # Otherwise a person could be mistaken for a client, which gets fewer checks
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
