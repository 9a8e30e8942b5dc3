"""Reads the token of an outside OIDC provider as if Ruta's own issuer had made it."""

from collections.abc import Mapping
from typing import Any

_LISTS = frozenset({"roles", "aors", "areas"})


def mapped(claims: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Copy `claims`, taking each mapped claim from its dotted path.

    A mapped claim whose path is absent is dropped, never taken from the token's top level: an
    operator who maps `roles` does not trust a claim that happens to be called so.
    """
    result = dict(claims)
    for name, path in mapping.items():
        value = _at(claims, path)
        result.pop(name, None)
        if value is not None:
            result[name] = _shaped(name, value)
    if "client_id" not in result and isinstance(claims.get("azp"), str):
        result["client_id"] = claims["azp"]
    return result


def _at(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _shaped(name: str, value: Any) -> Any:
    if name == "scope" and isinstance(value, list):
        return " ".join(str(item) for item in value)
    if name in _LISTS and isinstance(value, str):
        # No areas mean everywhere: a text that says none is left as it is, and refused as no list.
        return value.split() or (value if name == "areas" else [])
    return value
