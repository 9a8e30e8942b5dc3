"""SMART scopes of backend services (SMART App Launch 2.2 §2.0.4): `system/`, a FHIR resource and interactions. Pure.

No client is assigned these scopes. A client may request a token with them in place of `referrals:read` and
`referrals:write`. Such a token allows only those interactions of the FHIR facade.
"""

import re
from collections.abc import Collection, Mapping

INTERACTIONS: Mapping[str, str] = {
    "Task": "crus",
    "ServiceRequest": "crs",
    "Consent": "crs",
    "Patient": "rs",
    "Organization": "rs",
    "HealthcareService": "rs",
}
"""What the facade offers of each resource: create, read, update, search."""
ANY = "*"
ANNOUNCED = (
    f"system/{ANY}.rs",
    *(f"system/{name}.{letters}" for name, letters in INTERACTIONS.items()),
)
"""The widest scopes. Each resource may also be asked for with fewer of its letters, in their order."""
_SCOPE = re.compile(r"system/([A-Za-z]+|\*)\.(c?r?u?s?)")
_OURS = {
    "r": "referrals:read",
    "s": "referrals:read",
    "c": "referrals:write",
    "u": "referrals:write",
}


def _read(scope: str) -> tuple[str, str] | None:
    """Return the resource and the letters of an announced scope, or of a part of it."""
    found = _SCOPE.fullmatch(scope)
    if found is None or not found[2]:
        return None
    resource, letters = found[1], found[2]
    offered = "rs" if resource == ANY else INTERACTIONS.get(resource, "")
    return (resource, letters) if set(letters) <= set(offered) else None


def stands_for(scope: str) -> frozenset[str]:
    """Return our scopes that a client must have to get this one. Empty means that this is not a SMART scope here."""
    found = _read(scope)
    return frozenset() if found is None else frozenset(_OURS[letter] for letter in found[1])


def covers(scopes: Collection[str], resource: str, letters: str) -> bool:
    """Return whether a token's scopes allow one of these interactions, by one of our scopes or a SMART scope. With the
    resource `ANY`, one permitted resource is enough."""
    if any(_OURS[letter] in scopes for letter in letters):
        return True
    found = [read for read in map(_read, scopes) if read is not None]
    return any(
        set(letters) & set(allowed) and (ANY in (resource, named) or named == resource)
        for named, allowed in found
    )


def lacking(scopes: Collection[str], resource: str, letters: str) -> str:
    """Return the scope to name in an error: a SMART scope for a token with SMART scopes, or else one of ours."""
    if any(map(stands_for, scopes)):
        return f"system/{resource}.{letters}"
    return _OURS[letters[0]]


def opening(resource: str, letters: str) -> list[str]:
    """Return the announced scopes that allow one of these interactions."""
    return [scope for scope in ANNOUNCED if covers([scope], resource, letters)]
