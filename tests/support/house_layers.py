"""The import contract: which kind of module may import which kind. It is the same in every service.

A module's name determines its layer, so the contract covers new files without a list. A module without a layer name
counts as a pure rule. It counts as part of the use cases once it imports a framework, a database or the network.
"""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import Module

# Highest layer first. A module may import its own layer and the layers below it.
LAYERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("wiring", frozenset({"app", "main", "worker", "__main__"})),
    ("api", frozenset({"api", "consumers", "pages"})),
    ("service", frozenset({"service", "happenings"})),
    ("queries", frozenset({"queries", "access"})),
    ("models", frozenset({"models"})),
    ("rules", frozenset({"schemas"})),
    ("base", frozenset({"errors", "settings"})),
)
_RANK = {name: len(LAYERS) - position for position, (name, _) in enumerate(LAYERS)}
_OUTSIDE = frozenset(
    {"fastapi", "starlette", "sqlalchemy", "sqlmodel", "asyncpg", "nats", "aiohttp", "httpx"}
)
_SHARED_IO = frozenset({"common.db", "common.messaging", "common.http"})


class HouseLayers(Contract):
    """Checks that direct imports within each of `packages` only go down the layers."""

    type_name = "house_layers"

    packages = fields.ListField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        wrong = [
            (importer, imported, *layers)
            for package in self.packages  # type: ignore[attr-defined]  # a field is its value here
            for importer, imported, *layers in _upward(graph, package)
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, upper, lower in check.metadata["wrong"]:
            output.print_error(f"{importer} ({lower}) must not import {imported} ({upper})")
        output.print_error("Move the rule down, or the call up: see CONTRIBUTING.md, Layers.")


def _upward(graph: ImportGraph, package: Module) -> list[tuple[str, str, str, str]]:
    root = package.name
    modules = {root, *graph.find_descendants(root)}
    found = []
    for importer in sorted(modules):
        lower = layer_of(graph, importer)
        for imported in sorted(graph.find_modules_directly_imported_by(importer) & modules):
            upper = layer_of(graph, imported)
            if lower and upper and _RANK[upper] > _RANK[lower]:
                found.append((importer, imported, upper, lower))
    return found


def layer_of(graph: ImportGraph, module: str) -> str | None:
    """Return a module's layer by the last part of its name, or None for packages and shipped migrations."""
    parent, _, name = module.rpartition(".")
    # A service's metadata is in the module next to its settings. In a capability, `tables` can mean something else.
    if name == "tables" and f"{parent}.settings" in graph.modules:
        return "models"
    if ".migrations" in module or graph.find_children(module):
        return None
    for layer, names in LAYERS:
        if name in names or any(name.endswith(f"_{n}") for n in names):
            return layer
    return "service" if _touches_the_outside(graph, module) else "rules"


def _touches_the_outside(graph: ImportGraph, module: str) -> bool:
    imported: Any = graph.find_modules_directly_imported_by(module)
    return any(
        name.split(".")[0] in _OUTSIDE
        or any(f"{name}.".startswith(f"{shared}.") for shared in _SHARED_IO)
        for name in imported
    )
