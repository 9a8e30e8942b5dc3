"""People who enter for an organisation."""

from typing import Any

from common.auth import Principal


def owns(caller: Principal, row: Any) -> bool:
    """Whether the principal enters services for this organisation."""
    return caller.organisation_id in (row.id, row.managed_by)
