"""Rules for who may enter services for an organisation."""

from typing import Any

from common.auth import Principal


def owns(caller: Principal, row: Any) -> bool:
    """Return whether the principal may enter services for this organisation."""
    return caller.organisation_id in (row.id, row.managed_by)
