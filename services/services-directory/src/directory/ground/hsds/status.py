"""How functional status, freshness and HSDS `status` hang together."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

LONGEST_DAYS = 365
"""That a verification holds without anybody's looking again."""
_HSDS_STATUS = {
    "fully_functional": "active",
    "partially_functional": "active",
    "at_capacity": "active",
    "suspended": "temporarily closed",
    "planned": "inactive",
    "closed": "defunct",
}
CLOSED = frozenset({"suspended", "closed"})
"""What somebody says of a place to which nobody is to go."""
UNVERIFIED = {"code": "unknown", "reason": "verification has expired"}


def is_closed(service: dict[str, Any]) -> bool:
    return (service.get("functional_status") or {}).get("code") in CLOSED


def valid_until(service: dict[str, Any]) -> date | None:
    """The last day on which the verification holds; None when none was promised."""
    text = service.get("verification", {}).get("valid_until")
    return date.fromisoformat(text) if text else None


def timely(said: dict[str, Any], before: dict[str, Any], today: date) -> dict[str, Any]:
    """What a file `said` of an entry's verification, with what stood there `before` in place of a day to come on which
    it was looked at, and of one until which nobody would look again."""
    latest = today + timedelta(days=LONGEST_DAYS)
    kept = dict(said)
    tomorrow = today + timedelta(days=1)  # which it is already where others write their days
    if (verified := _day(said.get("verified_at"))) and verified > tomorrow:
        del kept["verified_at"]
        if stood := before.get("verified_at"):
            kept["verified_at"] = stood
    if (until := _day(said.get("valid_until"))) and until > latest:
        stood = _day(before.get("valid_until"))
        kept["valid_until"] = str(stood if stood and today <= stood <= latest else latest)
    return kept


def _day(text: Any) -> date | None:
    """None for what is no day: whoever looks at the document's form says so."""
    with suppress(ValueError):
        return date.fromisoformat(str(text)[:10])
    return None


def is_stale(service: dict[str, Any], today: date) -> bool:
    until = valid_until(service)
    return until is not None and until < today


def with_status(service: dict[str, Any], *, stale: bool) -> dict[str, Any]:
    """The service as it is to be shown: a stale one is unverified, and `status` follows the
    functional status (`unknown` says nothing about it, so the given status stays)."""
    shown = dict(service)
    if stale:
        since = valid_until(service)
        shown["functional_status"] = UNVERIFIED | {"since": str(since)}
    code = shown.get("functional_status", {}).get("code")
    if code in _HSDS_STATUS:
        shown["status"] = _HSDS_STATUS[code]
    return shown


def functional_status(shown: dict[str, Any]) -> str:
    """The code; a service that never said is unverified, which is not referable."""
    return str(shown.get("functional_status", {}).get("code", "unknown"))
