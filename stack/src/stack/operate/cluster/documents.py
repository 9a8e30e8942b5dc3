"""Documents of a cluster, as they are made and as they are read."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "stringData": values,
    }


def config_map(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": values,
    }


def held_values(document: Document) -> dict[str, str]:
    """Of a Secret that was made here, or of a ConfigMap."""
    found: dict[str, str] = document.get("stringData") or document.get("data") or {}
    return found


def names(node: Any, name: str) -> bool:
    """Whether this value stands anywhere in it."""
    if isinstance(node, Mapping):
        return any(names(value, name) for value in node.values())
    return any(names(each, name) for each in node) if isinstance(node, list) else node == name


def environment(container: Document, sources: Mapping[tuple[str, str], Document]) -> dict[str, str]:
    """As far as its documents tell; what is read of a Secret key by key is left out."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind = "Secret" if "secretRef" in source else "ConfigMap"
        reference = source.get("secretRef") or source["configMapRef"]
        found |= sources.get((kind, reference["name"]), {})
    return found | {each["name"]: each.get("value", "") for each in container.get("env", [])}
