"""Who may call a route. Each route declares exactly one access rule; the endpoint matrix reads it."""

from collections.abc import Collection
from typing import Any

from fastapi import Depends
from starlette.requests import Request

from common.auth.principal import Principal, Role
from common.errors import FORBIDDEN, UNAUTHENTICATED

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ruta"'}


class AccessRule:
    """A dependency that gives the principal, or answers 401 or 403.

    `scope` None means that anonymous callers are welcome too. `roles` None means any role.
    """

    def __init__(self, scope: str | None, roles: Collection[Role] | None) -> None:
        self.scope = scope
        self.roles = frozenset(roles) if roles is not None else None

    async def __call__(self, request: Request) -> Principal:
        return self.check(request)

    def check(self, request: Request) -> Principal:
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:  # not even the gateway's token: somebody came around the gateway
            raise UNAUTHENTICATED.because(
                "Send an access token through the gateway.", headers=_CHALLENGE
            )
        if self.scope is None:
            return principal
        if principal.anonymous:
            raise UNAUTHENTICATED.because("Send an access token.", headers=_CHALLENGE)
        self._check_grants(principal)
        return principal

    def _check_grants(self, principal: Principal) -> None:
        if self.scope not in principal.scopes:
            challenge = f'Bearer realm="ruta", error="insufficient_scope", scope="{self.scope}"'
            raise FORBIDDEN.because(
                f"Your token lacks the scope '{self.scope}'.",
                headers={"WWW-Authenticate": challenge},
                needed_scope=self.scope,
            )
        if self.roles is not None and not self.roles & principal.roles:
            names = sorted(self.roles)
            raise FORBIDDEN.because(
                f"This needs one of the roles: {', '.join(names)}.", needed_roles=names
            )
        if principal.organisation_id is None:
            raise FORBIDDEN.because("Your client belongs to no organisation.")

    def describe(self) -> dict[str, Any]:
        """The `x-ruta-access` member of the operation in the API description."""
        return {
            "anonymous": self.scope is None,
            "scope": self.scope,
            "roles": sorted(self.roles) if self.roles is not None else None,
        }


def requires(scope: str, roles: Collection[Role] | None = None) -> Any:
    """`Annotated[Principal, requires(scope="referrals:write", roles={Role.SUPERVISOR})]`."""
    return Depends(AccessRule(scope, roles))


def open_to_all() -> Any:
    """`Annotated[Principal, open_to_all()]`: anyone; the principal may be anonymous."""
    return Depends(AccessRule(None, None))
