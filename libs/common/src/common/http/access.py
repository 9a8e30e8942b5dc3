"""Access rules for routes. Each route declares exactly one, which the endpoint matrix reads."""

import time
from collections.abc import Collection
from typing import Any

from fastapi import Depends
from starlette.requests import Request

from common.auth import smart
from common.auth.freshness import is_fresh
from common.auth.principal import Principal, Role
from common.errors import FORBIDDEN, STEP_UP, UNAUTHENTICATED

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ruta"'}


class AccessRule:
    """A dependency that returns the principal, or raises 401 or 403. If `scope` is None, it also admits anonymous
    callers. If `roles` is None, it admits any role. `fhir`, a resource and the letters of interactions, also admits
    SMART scopes."""

    def __init__(
        self,
        scope: str | None,
        roles: Collection[Role] | None,
        fhir: tuple[str, str] | None = None,
    ) -> None:
        self.scope = scope
        self.roles = frozenset(roles) if roles is not None else None
        self.fhir = fhir

    async def __call__(self, request: Request) -> Principal:
        return self.check(request)

    def check(self, request: Request) -> Principal:
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:  # no gateway token, so somebody bypassed the gateway
            raise UNAUTHENTICATED.because("send_access_token_through_gateway", headers=_CHALLENGE)
        if self.scope is None:
            return principal
        if principal.anonymous:
            raise UNAUTHENTICATED.because("send_access_token", headers=_CHALLENGE)
        self._check_grants(principal)
        return principal

    def _check_grants(self, principal: Principal) -> None:
        if self.fhir is not None:
            check_fhir(principal, *self.fhir)
        elif self.scope not in principal.scopes:
            raise _lacks(self.scope)
        if self.roles is not None and not self.roles & principal.roles:
            names = sorted(self.roles)
            raise FORBIDDEN.because("this_needs_one_of_roles", ", ".join(names), needed_roles=names)
        if principal.organisation_id is None:
            raise FORBIDDEN.because("your_client_belongs_to_no_organisation")

    def describe(self) -> dict[str, Any]:
        """Return the `x-ruta-access` member of the operation in the API description."""
        described: dict[str, Any] = {
            "anonymous": self.scope is None,
            "scope": self.scope,
            "roles": sorted(self.roles) if self.roles is not None else None,
        }
        if self.fhir is not None:
            described["or_scopes"] = smart.opening(*self.fhir)
        return described


def check_fhir(principal: Principal, resource: str, letters: str) -> None:
    """Raise 403 unless the token allows one of these interactions (`c`, `r`, `u`, `s`) with this FHIR resource."""
    if not smart.covers(principal.scopes, resource, letters):
        raise _lacks(smart.lacking(principal.scopes, resource, letters))


def _lacks(scope: str | None) -> Exception:
    challenge = f'Bearer realm="ruta", error="insufficient_scope", scope="{scope}"'
    return FORBIDDEN.because(
        "your_token_lacks_scope",
        scope,
        headers={"WWW-Authenticate": challenge},
        needed_scope=scope,
    )


async def _step_up() -> None:
    """Marks a route with a sensitive action, for which an old session is not sufficient."""


StepUp = Depends(_step_up)


def steps_up(marks: Collection[Any]) -> bool:
    """Return whether a route's dependencies include the marker."""
    return _step_up in marks


def check_step_up(principal: Principal, minutes: int) -> None:
    """Raise 401 (RFC 9470) unless the person signed in within the last `minutes`; 0 disables the check."""
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
    """Return a dependency, for example `Annotated[Principal, requires(scope="referrals:write",
    roles={Role.SUPERVISOR})]`."""
    return Depends(AccessRule(scope, roles))


def requires_fhir(scope: str, roles: Collection[Role], resource: str, letters: str) -> Any:
    """Return a dependency of a FHIR route: `scope`, or a SMART scope that covers one of the interactions."""
    return Depends(AccessRule(scope, roles, (resource, letters)))


def open_to_all() -> Any:
    """Return a dependency for everybody, `Annotated[Principal, open_to_all()]`; the principal may be anonymous."""
    return Depends(AccessRule(None, None))
