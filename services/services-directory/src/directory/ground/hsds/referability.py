"""Decides whether a service may receive referrals: it must be functioning, recently verified, and endorsed by a
pathway."""

from collections.abc import Collection
from datetime import date

# codelists/functional_status.csv, column `referable`: yes, yes_with_warning, waitlist
REFERABLE_STATUSES = frozenset({"fully_functional", "partially_functional", "at_capacity"})


def is_fresh(valid_until: date | None, today: date) -> bool:
    """Return whether the verification is still valid. An entry without a verification counts as expired."""
    return valid_until is not None and valid_until >= today


def is_referable(functional_status: str, endorsed_by: Collection[str], *, fresh: bool) -> bool:
    """Return whether the service is referable. `endorsed_by` contains the AoRs whose coordinator endorses the service;
    one is enough."""
    return functional_status in REFERABLE_STATUSES and fresh and len(endorsed_by) > 0
