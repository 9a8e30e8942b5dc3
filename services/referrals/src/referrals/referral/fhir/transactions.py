"""Reads the entries of a transaction Bundle, and inserts the ids of new resources into references to them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from referrals.referral.fhir.mapping import CannotMap

MOST_ENTRIES = 30
# Create referenced resources first (R4 §3.1.0.11.2 does not fix the order of entries).
_ORDER = ("Consent", "ServiceRequest", "Task")
_CONDITIONS = ("ifNoneExist", "ifModifiedSince", "ifNoneMatch")


@dataclass
class Entry:
    """One entry. `at` is its position in the Bundle; `full_url` is the temporary name by which other entries refer to
    it."""

    at: int
    kind: str
    full_url: str | None
    resource: dict[str, Any]
    updates: str | None = None
    if_match: str | None = None

    @property
    def where(self) -> str:
        return f"/entry/{self.at}/resource"


def entries_of(bundle: Mapping[str, Any]) -> list[Entry]:
    """Return the entries in processing order; raise CannotMap for an invalid entry."""
    if bundle.get("type") != "transaction":
        raise CannotMap("/type", "Only a 'transaction' is taken here: all of it or nothing.")
    given = bundle.get("entry") or []
    if not 0 < len(given) <= MOST_ENTRIES:
        raise CannotMap("/entry", f"A transaction has 1 to {MOST_ENTRIES} entries.")
    entries = [_entry(at, each) for at, each in enumerate(given)]
    names = [each.full_url for each in entries if each.full_url]
    if len(names) != len(set(names)):
        raise CannotMap("/entry", "Two entries have the same 'fullUrl'.")
    return sorted(entries, key=lambda each: _ORDER.index(each.kind))


def _entry(at: int, given: Mapping[str, Any]) -> Entry:
    request, resource = given.get("request") or {}, given.get("resource") or {}
    url = str(request.get("url") or "")
    kind, _, identifier = url.partition("/")
    step = (request.get("method"), kind, bool(identifier))
    allowed = {("POST", name, False) for name in _ORDER} | {("PUT", "Task", True)}
    if step not in allowed or resource.get("resourceType") != kind:
        raise CannotMap(
            f"/entry/{at}/request",
            "Here stand POST of a Consent, a ServiceRequest or a Task, or PUT of 'Task/' and its id.",
        )
    for condition in _CONDITIONS:
        if condition in request:
            raise CannotMap(f"/entry/{at}/request/{condition}", "Leave this condition out.")
    return Entry(
        at, kind, given.get("fullUrl"), resource, identifier or None, request.get("ifMatch")
    )


def with_ids(found: Any, ids: Mapping[str, str]) -> Any:
    """Return a resource in which ids replace the temporary names of new resources."""
    if isinstance(found, list):
        return [with_ids(each, ids) for each in found]
    if not isinstance(found, Mapping):
        return found
    return {
        name: ids.get(value, value)
        if name == "reference" and isinstance(value, str)
        else with_ids(value, ids)
        for name, value in found.items()
    }


def referral_of(entry: Entry, task: Mapping[str, Any]) -> UUID:
    """Return the id of the Task's referral. A new Task references its ServiceRequest, which has the same id."""
    named = entry.updates or str((task.get("focus") or {}).get("reference"))
    try:
        return UUID(named.removeprefix("ServiceRequest/"))
    except ValueError:
        raise CannotMap(
            f"{entry.where}/focus", "Name the ServiceRequest: 'ServiceRequest/' and its id."
        ) from None


def answered(replies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": list(replies)}


def reply(base: str, resource: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Return the response entry with the current resource."""
    meta = resource["meta"]
    return {
        "resource": resource,
        "response": {
            "status": "201 Created" if is_new else "200 OK",
            "location": f"{base}/{resource['resourceType']}/{resource['id']}",
            "etag": f'W/"{meta["versionId"]}"',
            "lastModified": meta["lastUpdated"],
        },
    }
