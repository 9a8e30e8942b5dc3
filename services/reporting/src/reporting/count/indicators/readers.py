"""Roles that may read operational numbers; their scopes decide which numbers."""

from typing import Annotated

from common.auth import Principal, Role
from common.http import requires

Operator = Annotated[
    Principal,
    requires(
        scope="reports:read",
        roles={Role.PARTNER, Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR, Role.IM},
    ),
]
