"""A row's change: a function, class attribute or constant, named by its symbol, and its new code.

A symbol is `module:name`, `module:Class.name`, or `module:` for the whole module. The comparison parses the code as
Python does, so moved lines, comments and quotation marks do not matter.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    source
    for top in ("libs", "stack", "gateway", "services")
    for source in (ROOT / top).glob("**/src/*/")
)


class Unfit(Exception):
    """Raised if the row does not fit the code; the message gives the reason."""


@dataclass(frozen=True)
class Replaces:
    """`old`, an expression or statements, must occur exactly once within the symbol; `new` replaces it."""

    old: str
    new: str


@dataclass(frozen=True)
class Drops:
    """`old` is a statement that occurs exactly once within the symbol. The change removes it."""

    old: str


@dataclass(frozen=True)
class Returns:
    """Makes the function only return `value`."""

    value: str


@dataclass(frozen=True)
class File:
    """A change in a file that is not Python (a template, a script). `old` must occur exactly once in the file
    `path`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Several:
    """Several changes to one mechanism within the symbol, all at once."""

    changes: tuple[Replaces | Drops, ...]


Change = Replaces | Drops | Returns | File | Several


def broken(symbol: str, change: Change) -> tuple[Path, str]:
    """Return the changed file and its broken text."""
    if isinstance(change, File):
        text = (ROOT / change.path).read_text(encoding="utf-8")
        _once(text.count(change.old), change.path, change.old)
        return ROOT / change.path, text.replace(change.old, change.new)
    module, _, name = symbol.partition(":")
    path = file_of(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = [tree] if not name else list(_found(tree, name))
    _once(len(places), module, name)
    if isinstance(change, Returns):
        _returns(places[0], change)
    else:
        for each in change.changes if isinstance(change, Several) else (change,):
            _replaces(places[0], symbol, each)
    return path, ast.unparse(ast.fix_missing_locations(tree))


def file_of(module: str) -> Path:
    package, *rest = module.split(".")
    for source in SOURCES:
        if source.name == package:
            stem = source.joinpath(*rest)
            for file in (stem.parent / f"{stem.name}.py", stem / "__init__.py"):
                if file.is_file():
                    return file
    raise Unfit(f"there is no module {module}")


def _found(place: ast.AST, name: str) -> Iterator[ast.AST]:
    """Yield the definition of `name` in the body of `place`, also below an `if` or `with`."""
    first, _, rest = name.partition(".")
    for each in _defined(place):
        if first in _names(each):
            yield from _found(each, rest) if rest else (each,)


def _defined(place: ast.AST) -> Iterator[ast.stmt]:
    for each in ast.iter_child_nodes(place):
        if isinstance(each, ast.stmt):
            yield each
            if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _defined(each)


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {each.id for each in targets if isinstance(each, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _returns(place: ast.AST, change: Returns) -> None:
    if not isinstance(place, ast.FunctionDef | ast.AsyncFunctionDef):
        raise Unfit("only a function returns")
    place.body = [ast.Return(ast.parse(change.value, mode="eval").body)]


def _replaces(place: ast.AST, symbol: str, change: Replaces | Drops) -> None:
    old = ast.parse(change.old).body
    new = ast.parse(change.new).body if isinstance(change, Replaces) else []
    if len(old) == 1 and isinstance(old[0], ast.Expr) and isinstance(change, Replaces):
        expressions = list(_expressions(place, old[0].value))
        _once(len(expressions), symbol, change.old)
        (parent, field, number) = expressions[0]
        if len(new) != 1 or not isinstance(new[0], ast.Expr):
            raise Unfit(f"{symbol}: no expression: {change.new}")
        _put(parent, field, number, new[0].value)
        return
    found = list(_statements(place, old))
    _once(len(found), symbol, change.old)
    body, begin = found[0]
    body[begin : begin + len(old)] = new or [ast.Pass()]


def _expressions(place: ast.AST, wanted: ast.expr) -> Iterator[tuple[ast.AST, str, int | None]]:
    looks = ast.dump(wanted)
    for parent in ast.walk(place):
        for field, value in ast.iter_fields(parent):
            for number, each in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(each, ast.expr) and ast.dump(each) == looks:
                    yield parent, field, number


def _put(parent: ast.AST, field: str, number: int | None, new: ast.expr) -> None:
    if number is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[number] = new


def _statements(place: ast.AST, wanted: list[ast.stmt]) -> Iterator[tuple[list[ast.stmt], int]]:
    looks = [ast.dump(each) for each in wanted]
    for parent in ast.walk(place):
        for _, body in ast.iter_fields(parent):
            if not isinstance(body, list) or not all(isinstance(each, ast.stmt) for each in body):
                continue
            dumps = [ast.dump(each) for each in body]
            for begin in range(len(body) - len(looks) + 1):
                if dumps[begin : begin + len(looks)] == looks:
                    yield body, begin


def _once(times: int, where: str, what: str) -> None:
    if times != 1:
        raise Unfit(f"{where}: {times} times, and not once: {what}")
