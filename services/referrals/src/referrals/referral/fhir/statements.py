"""The facade's CapabilityStatement, and the Bundle for a search. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from common.auth.smart import INTERACTIONS

from referrals.referral.fhir import codes
from referrals.referral.fhir.parameters import KINDS, Kind, Search

_INTERACTIONS = {"c": "create", "r": "read", "u": "update", "s": "search-type"}
_SECURITY = (
    "A token of the OAuth 2.0 issuer that .well-known/smart-configuration names (client credentials),"
    " sent as 'Authorization: Bearer'. Everybody sees what concerns their organisation and nothing else."
)
_DOCUMENTATION = (
    "Unknown parameters are refused; with 'Prefer: handling=lenient' they are ignored and told."
    " A person is a case code: Patient holds nothing else. Consent is the record of a decision;"
    " what may be read under it is asked anew at each reading."
)


def capability_statement(base: str, version: str, today: date) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base}/metadata",
        "status": "active",
        "date": today,
        "kind": "instance",
        "software": {"name": "Ruta", "version": version},
        "implementation": {"description": "Ruta referrals", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _DOCUMENTATION,
                "security": {
                    "service": [
                        {"coding": [{"system": codes.SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}
                    ],
                    "description": _SECURITY,
                },
                "resource": [_resource(kind) for kind in KINDS.values()],
                "interaction": [{"code": "transaction"}],
                "operation": [{"name": "export", "definition": codes.EXPORT}],
            }
        ],
    }


def _resource(kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind.name,
        "interaction": [{"code": _INTERACTIONS[letter]} for letter in INTERACTIONS[kind.name]],
        "versioning": "versioned-update" if kind.name == "Task" else "no-version",
        "referencePolicy": ["literal", "logical"],
        "searchParam": [
            {"name": name, "type": parameter.kind, "documentation": parameter.says}
            for name, parameter in kind.parameters.items()
        ],
    }
    if kind.includes:
        found["searchInclude"] = [f"{kind.name}:{name}" for name in sorted(kind.includes)]
    if kind.name == "Task":
        found["documentation"] = (
            f"Elements as {codes.TASK_PROFILE} has them. Not claimed in meta.profile: what a Task refers to"
            " is of R4 alone (a person is a code here, and services have no US procedure codes)."
        )
    return found


def searchset(
    base: str,
    kind: Kind,
    search: Search,
    *,
    matches: Sequence[dict[str, Any]],
    included: Iterable[dict[str, Any]],
    total: int | None,
    following: str | None,
) -> dict[str, Any]:
    """Return a page with its links. An OperationOutcome entry names ignored parameters."""
    used = list(search.used)
    own = [*used, ("cursor", search.cursor)] if search.cursor else used
    link = [_link(base, kind, "self", own)]
    if following is not None:
        link.append(_link(base, kind, "next", [*used, ("cursor", following)]))
    entries = [_entry(base, resource, "match") for resource in matches]
    entries += [_entry(base, resource, "include") for resource in included]
    if search.ignored:
        entries.append({"resource": _ignored(search.ignored), "search": {"mode": "outcome"}})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": link}
    if total is not None:
        bundle["total"] = total
    return {**bundle, "entry": entries} if entries else bundle


def _link(base: str, kind: Kind, relation: str, query: Sequence[tuple[str, str]]) -> dict[str, str]:
    asked = f"?{urlencode(query)}" if query else ""
    return {"relation": relation, "url": f"{base}/{kind.name}{asked}"}


def _entry(base: str, resource: dict[str, Any], mode: str) -> dict[str, Any]:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}


def _ignored(names: Sequence[str]) -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "not-supported",
                "diagnostics": f"{name}: no such parameter here; the search was done without it",
            }
            for name in dict.fromkeys(names)
        ],
    }
