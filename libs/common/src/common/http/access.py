"""Access rules of routes. Each route declares exactly one; the endpoint matrix reads it."""

import time
from collections.abc import Collection
from typing import Any

from fastapi import Depends
from starlette.requests import Request

from common.auth.freshness import is_fresh
from common.auth.principal import Principal, Role
from common.errors import FORBIDDEN, STEP_UP, UNAUTHENTICATED

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
            raise UNAUTHENTICATED.because("send_access_token_through_gateway", headers=_CHALLENGE)
        if self.scope is None:
            return principal
        if principal.anonymous:
            raise UNAUTHENTICATED.because("send_access_token", headers=_CHALLENGE)
        self._check_grants(principal)
        return principal

    def _check_grants(self, principal: Principal) -> None:
        if self.scope not in principal.scopes:
            challenge = f'Bearer realm="ruta", error="insufficient_scope", scope="{self.scope}"'
            raise FORBIDDEN.because(
                "your_token_lacks_scope",
                self.scope,
                headers={"WWW-Authenticate": challenge},
                needed_scope=self.scope,
            )
        if self.roles is not None and not self.roles & principal.roles:
            names = sorted(self.roles)
            raise FORBIDDEN.because("this_needs_one_of_roles", ", ".join(names), needed_roles=names)
        if principal.organisation_id is None:
            raise FORBIDDEN.because("your_client_belongs_to_no_organisation")

    def describe(self) -> dict[str, Any]:
        """The `x-ruta-access` member of the operation in the API description."""
        return {
            "anonymous": self.scope is None,
            "scope": self.scope,
            "roles": sorted(self.roles) if self.roles is not None else None,
        }


async def _step_up() -> None:
    """Marks a route that can do much harm: a session left open is not enough for it."""


StepUp = Depends(_step_up)


def steps_up(marks: Collection[Any]) -> bool:
    """Whether the mark is among the calls of a route's dependencies."""
    return _step_up in marks


def check_step_up(principal: Principal, minutes: int) -> None:
    """401 as RFC 9470 says it, unless the person signed in within the minutes. 0 asks nothing."""
    seconds = minutes * 60
    if minutes == 0 or is_fresh(principal, time.time(), seconds):
        return
    raise STEP_UP.because(
        "you_signed_in_more_than_minutes_ago",
        minutes,
        headers={
            "WWW-Authenticate": 'Bearer realm="ruta", error="insufficient_user_authentication",'
            f' error_description="A fresh sign-in is needed", max_age={seconds}'
        },
        max_age=seconds,
    )


def requires(scope: str, roles: Collection[Role] | None = None) -> Any:
    """`Annotated[Principal, requires(scope="referrals:write", roles={Role.SUPERVISOR})]`."""
    return Depends(AccessRule(scope, roles))


def open_to_all() -> Any:
    """`Annotated[Principal, open_to_all()]`: anyone; the principal may be anonymous."""
    return Depends(AccessRule(None, None))
