"""Relates functional status, freshness and HSDS `status`."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

LONGEST_DAYS = 365
"""The longest time for which a verification holds."""
_HSDS_STATUS = {
    "fully_functional": "active",
    "partially_functional": "active",
    "at_capacity": "active",
    "suspended": "temporarily closed",
    "planned": "inactive",
    "closed": "defunct",
}
CLOSED = frozenset({"suspended", "closed"})
"""Statuses of a place to which nobody should go."""
UNVERIFIED = {"code": "unknown", "reason": "verification has expired"}


def is_closed(service: dict[str, Any]) -> bool:
    return (service.get("functional_status") or {}).get("code") in CLOSED


def valid_until(service: dict[str, Any]) -> date | None:
    """Return the last day on which the verification is valid. Return None without a verification."""
    text = service.get("verification", {}).get("valid_until")
    return date.fromisoformat(text) if text else None


def timely(said: dict[str, Any], before: dict[str, Any], today: date) -> dict[str, Any]:
    """Return a file's verification without impossible dates. A verification date in the future is replaced by the one
    in `before`. An end date later than allowed is replaced by an allowed one."""
    latest = today + timedelta(days=LONGEST_DAYS)
    kept = dict(said)
    tomorrow = today + timedelta(days=1)  # it may already be tomorrow in the sender's time zone
    if (verified := _day(said.get("verified_at"))) and verified > tomorrow:
        del kept["verified_at"]
        if stood := before.get("verified_at"):
            kept["verified_at"] = stood
    if (until := _day(said.get("valid_until"))) and until > latest:
        stood = _day(before.get("valid_until"))
        kept["valid_until"] = str(stood if stood and today <= stood <= latest else latest)
    return kept


def _day(text: Any) -> date | None:
    """Return the date, or None if the text is not a date. Validation reports such texts."""
    with suppress(ValueError):
        return date.fromisoformat(str(text)[:10])
    return None


def is_stale(service: dict[str, Any], today: date) -> bool:
    until = valid_until(service)
    return until is not None and until < today


def with_status(service: dict[str, Any], *, stale: bool) -> dict[str, Any]:
    """Return the service as readers see it: a stale service is unverified, and `status` follows the functional status.
    The functional status `unknown` keeps the given `status`."""
    shown = dict(service)
    if stale:
        since = valid_until(service)
        shown["functional_status"] = UNVERIFIED | {"since": str(since)}
    code = shown.get("functional_status", {}).get("code")
    if code in _HSDS_STATUS:
        shown["status"] = _HSDS_STATUS[code]
    return shown


def functional_status(shown: dict[str, Any]) -> str:
    """Return the code of the functional status. A service without one is unverified, which is not referable."""
    return str(shown.get("functional_status", {}).get("code", "unknown"))
