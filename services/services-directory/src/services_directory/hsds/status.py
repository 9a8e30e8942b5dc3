"""How functional status, freshness and HSDS `status` hang together."""

from datetime import date
from typing import Any

_HSDS_STATUS = {
    "fully_functional": "active",
    "partially_functional": "active",
    "at_capacity": "active",
    "suspended": "temporarily closed",
    "planned": "inactive",
    "closed": "defunct",
}
UNVERIFIED = {"code": "unknown", "reason": "verification has expired"}


def valid_until(service: dict[str, Any]) -> date | None:
    """The last day on which the verification holds; None when none was promised."""
    text = service.get("verification", {}).get("valid_until")
    return date.fromisoformat(text) if text else None


def is_stale(service: dict[str, Any], today: date) -> bool:
    until = valid_until(service)
    return until is not None and until < today


def with_status(service: dict[str, Any], today: date) -> dict[str, Any]:
    """The service as it is to be shown today: a stale one is unverified, and `status` follows the
    functional status (`unknown` says nothing about it, so the given status stays)."""
    shown = dict(service)
    if is_stale(service, today):
        since = valid_until(service)
        shown["functional_status"] = UNVERIFIED | {"since": str(since)}
    code = shown.get("functional_status", {}).get("code")
    if code in _HSDS_STATUS:
        shown["status"] = _HSDS_STATUS[code]
    return shown


def functional_status(shown: dict[str, Any]) -> str:
    """The code; a service that never said is unverified, which is not referable."""
    return str(shown.get("functional_status", {}).get("code", "unknown"))
