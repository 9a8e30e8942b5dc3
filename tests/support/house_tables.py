"""The table contract: a capability names only its own tables.

The capability whose folder defines a table owns it. Other capabilities call the owner's service or queries, so to
change a table you need to read only one folder. The contract checks imported models, `metadata.tables["…"]` and table
names in SQL. It reads all of them from the sources, so new tables need no list. Other capabilities may receive a record
and use its model in annotations, but may only read it.

A read model is a table that its owner fills for all other capabilities, so that one statement can read it. The
`queries` of any capability may read it; only its owner writes it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import Module

_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING|ONLY)\s+(?:\w+\.)?(\w+)")
_CHANGED = re.compile(r"\b(?:INTO|UPDATE|DELETE FROM|TRUNCATE)\s+(?:ONLY\s+)?(?:\w+\.)?(\w+)")
_CHANGES = frozenset({"insert", "update", "delete"})
# Folders that contain capabilities. In the directory, pathways and curation are capabilities themselves.
_WINGS = frozenset(
    f"{service}.{wing}"
    for service, wings in {
        "directory": "ground record find files show",
        "referrals": "ground case referral screening listening telling",
        "reporting": "ground count protect publish",
    }.items()
    for wing in wings.split()
)
_NO_CAPABILITY = frozenset({"migrations", "data"})


@dataclass(frozen=True, order=True)
class Naming:
    """A violation: `module` of the capability `by` names a table that `owner` defines."""

    by: str
    owner: str
    module: str
    table: str
    written: bool = False


class OwnTables(Contract):
    """Checks the capabilities in `packages`. All capabilities may read the tables in `read_models`."""

    type_name = "own_tables"

    packages = fields.ListField(subfield=fields.ModuleField())
    read_models = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        # The import linter has replaced these fields with their values.
        packages = cast("list[Module]", self.packages)
        read_models = set(cast("list[str]", self.read_models or []))
        found = [
            each
            for package in packages
            for each in foreign_tables(package.name)
            if not (each.table in read_models and only_reads(each))
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for each in check.metadata["found"]:
            output.print_error(f"{each.module} names {each.owner}'s table {each.table}")
        if check.metadata["found"]:
            output.print_error("Ask its owner's service or queries: see CONTRIBUTING.md, Layers.")


def only_reads(naming: Naming) -> bool:
    """Return whether the module is a `queries` module that changes nothing."""
    return f"_{naming.module.rpartition('.')[2]}".endswith("_queries") and not naming.written


def foreign_tables(package: str) -> list[Naming]:
    """Return, in order, each place in `package` that names another capability's table."""
    sources = {name: ast.parse(path.read_text("utf-8")) for name, path in _modules(package)}
    owners: dict[str, str] = {}
    definitions: dict[tuple[str, str], str] = {}
    for module, tree in sources.items():
        for name, table in _defined(tree):
            owners[table] = _capability(package, module)
            definitions[module, name] = table
    return sorted(
        {
            Naming(by, owners[table], module, table, table in written)
            for module, tree in sources.items()
            for written in [set(_written(tree, definitions))]
            for table in _named(tree, definitions, owners)
            if (by := _capability(package, module)) != owners[table]
        }
    )


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    folder = Path(spec.origin).parent
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if not _NO_CAPABILITY & set(parts) and parts != ("tables",):
            yield ".".join((package, *parts)).removesuffix(".__init__"), path


def _capability(package: str, module: str) -> str:
    """Return `package.folder`, or `package.wing.folder` in a wing. A module outside these folders is its own
    capability."""
    depth = package.count(".") + 2
    name = ".".join(module.split(".")[:depth])
    return ".".join(module.split(".")[: depth + 1]) if name in _WINGS else name


def _defined(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the Python name and the table name of each table that the module defines."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                match part:
                    case ast.Assign(
                        targets=[ast.Name(id="__tablename__")],
                        value=ast.Constant(value=str(table)),
                    ):
                        yield node.name, table
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(
                    func=ast.Name(id="Table") | ast.Attribute(attr="Table"),
                    args=[ast.Constant(value=str(table)), ast.Name(), *_],
                ),
            ):
                yield name, table


def _named(
    tree: ast.Module, definitions: dict[tuple[str, str], str], owners: dict[str, str]
) -> Iterator[str]:
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    typed, changed = _only_types(tree), _changed(tree)
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    table = definitions.get((module, alias.name))
                    name = alias.asname or alias.name
                    if table is not None and (name not in typed or name in changed):
                        yield table
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in modules:
                if (table := definitions.get((modules[name], attr))) is not None:
                    yield table
            case ast.Subscript(
                value=ast.Attribute(attr="tables"), slice=ast.Constant(value=str(table))
            ) if table in owners:
                yield table
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield from (name for name in _NAMED.findall(text) if name in owners)


def _only_types(tree: ast.Module) -> set[str]:
    """Return names that occur only in annotations."""
    annotations = {
        id(name)
        for node in ast.walk(tree)
        for annotation in _annotations(node)
        for name in ast.walk(annotation)
    }
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    elsewhere = {node.id for node in used if id(node) not in annotations}
    return {node.id for node in used} - elsewhere


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.FunctionDef(returns=found) | ast.AsyncFunctionDef(returns=found):
            pass
        case ast.arg(annotation=found) | ast.AnnAssign(annotation=found):
            pass
        case _:
            return
    if found is not None:
        yield found


def _changed(tree: ast.Module) -> set[str]:
    """Return the types of parameters that the code assigns to: `case.status = …` for `case: Case`."""
    return {
        name.id
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for given in (*function.args.args, *function.args.kwonlyargs)
        if given.annotation is not None and given.arg in _assigned(function)
        for name in ast.walk(given.annotation)
        if isinstance(name, ast.Name)
    }


def _assigned(function: ast.AST) -> set[str]:
    return {
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }


def _written(tree: ast.Module, definitions: dict[tuple[str, str], str]) -> Iterator[str]:
    """Yield the tables that the module inserts into, updates or deletes from."""
    imported = {
        alias.asname or alias.name: table
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (table := definitions.get((node.module or "", alias.name))) is not None
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield from _CHANGED.findall(text)
            case ast.Call(
                func=ast.Name(id=change) | ast.Attribute(attr=change), args=[ast.Name(id=name), *_]
            ) if change in _CHANGES and name in imported:
                yield imported[name]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=change)) if (
                change in _CHANGES and name in imported
            ):
                yield imported[name]
