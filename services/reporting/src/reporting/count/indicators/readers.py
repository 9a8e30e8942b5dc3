"""Who may read operational numbers at all; whose they see is decided by their scopes."""

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
