"""Creates and reads Kubernetes documents."""

from collections.abc import Iterable, Mapping
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
    """Return the values of a Secret in our format, or of a ConfigMap."""
    found: dict[str, str] = document.get("stringData") or document.get("data") or {}
    return found


def sources(documents: Iterable[Document]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the values of all Secrets and ConfigMaps by kind and name, for `environment`."""
    return {
        (each["kind"], each["metadata"]["name"]): held_values(each)
        for each in documents
        if each["kind"] in {"Secret", "ConfigMap"}
    }


def names(node: Any, name: str) -> bool:
    """Return whether `name` is a value anywhere in the document."""
    if isinstance(node, Mapping):
        return any(names(value, name) for value in node.values())
    return any(names(each, name) for each in node) if isinstance(node, list) else node == name


def environment(container: Document, known: Mapping[tuple[str, str], Document]) -> dict[str, str]:
    """Return a container's variables, taken from the known `sources`. Skip single keys of Secrets."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind = "Secret" if "secretRef" in source else "ConfigMap"
        reference = source.get("secretRef") or source["configMapRef"]
        found |= known.get((kind, reference["name"]), {})
    return found | {each["name"]: each.get("value", "") for each in container.get("env", [])}
