"""Who enters for an organisation."""

from typing import Any

from common.auth import Principal


def owns(principal: Principal, row: Any) -> bool:
    """Whether the principal enters services for this organisation."""
    return principal.organisation_id in (row.id, row.managed_by)
