"""Breaks functions of a module that is already imported: each gets the code that it has in the broken source.

Whoever holds the function (an import, a route, a decorator) runs what is broken from then on. What a module
computes when it is imported is not to be broken this way.
"""

import ast
import gc
import inspect
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType


class ElsewhereError(Exception):
    """Something else is broken, too: the module must be imported anew."""


@cache
def functions() -> dict[str, list[FunctionType]]:
    """All that there are when it is asked first, by file."""
    found: dict[str, list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            found[each.__code__.co_filename].append(each)
    return found


def break_functions(file: str, broken: str) -> None:
    """Those of the module that was imported from `file`."""
    real = Path(file).read_text(encoding="utf-8")
    codes = dict(
        _differing(
            *(_unplaced(source) for source in (real, broken)),
            *(compile(source, file, "exec") for source in (real, broken)),
        )
    )
    found = [each for each in functions()[file] if each.__code__ in codes]
    if codes and not found:
        raise ElsewhereError(f"what differs in {file} runs when it is imported")
    for each in found:
        each.__code__ = codes[each.__code__]


def _unplaced(source: str) -> CodeType:
    """Without lines and columns: what has only moved is the same."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]  # those that stand somewhere
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    return compile(tree, "", "exec")


def _differing(
    real: CodeType, broken: CodeType, real_placed: CodeType, broken_placed: CodeType
) -> Iterator[tuple[CodeType, CodeType]]:
    """Of each function that differs, or has one in it that does, its two codes with their places."""
    if real == broken:
        return
    if real.co_flags & inspect.CO_OPTIMIZED:  # it is a function's
        yield real_placed, broken_placed
    elif _itself(real) != _itself(broken):
        raise ElsewhereError(f"{real.co_name} is broken itself")
    if _itself(real) == _itself(broken):
        inner = (_within(code) for code in (real, broken, real_placed, broken_placed))
        for each in zip(*inner, strict=True):
            yield from _differing(*each)


def _itself(code: CodeType) -> CodeType:
    """Without what stands in it."""
    return code.replace(
        co_consts=tuple(None if isinstance(each, CodeType) else each for each in code.co_consts)
    )


def _within(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]
