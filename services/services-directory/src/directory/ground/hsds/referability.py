"""When a service may receive referrals: working, freshly verified and endorsed by a pathway."""

from collections.abc import Collection
from datetime import date

# codelists/functional_status.csv, column `referable`: yes, yes_with_warning, waitlist
REFERABLE_STATUSES = frozenset({"fully_functional", "partially_functional", "at_capacity"})


def is_fresh(valid_until: date | None, today: date) -> bool:
    """An entry that was never verified is as stale as one whose verification has run out."""
    return valid_until is not None and valid_until >= today


def is_referable(functional_status: str, endorsed_by: Collection[str], *, fresh: bool) -> bool:
    """`endorsed_by` holds the AoR codes whose coordinator stands behind the service; one is enough."""
    return functional_status in REFERABLE_STATUSES and fresh and len(endorsed_by) > 0
