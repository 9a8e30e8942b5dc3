"""A process that has imported the libraries; the test of each row runs in a copy of it.

Most of what a row takes is importing what no row breaks. In the one kind (`whole`) everything of ours is there,
too, and a copy breaks functions where they are (`in_place`). In the other nothing of ours may be there, or the
copy would not see what is broken: the process says what it imports by the text of our sources alone, is begun
by its path, and ends when a module of ours has come along. No thread may run in either.

Reads an order a line (`Order`) and answers with a line, the exit status of that copy.
"""

import contextlib
import gc
import importlib
import inspect
import json
import os
import re
import runpy
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import psutil

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES, WHOLE = "libraries", "whole"
"""Its argument: what is imported."""
_IN_PLACE = "tests.mutations.in_place"
_OURS = ("libs", "gateway", "services", "tests", "drills")
_IMPORTED = re.compile(r"^(?:from|import) ([a-zA-Z][\w.]*)", re.MULTILINE)


class Order(TypedDict):
    arguments: list[str]
    """For pytest."""
    path: list[str]
    """Folders in front of all others, for the copy and for what it starts."""
    output: str
    """The file that takes what it prints."""
    environment: dict[str, str]
    """What differs from the process's own."""
    breaks: tuple[str, str] | None
    """A file of which everything is there, and its broken source."""


def libraries() -> list[str]:
    """Modules of others that our sources and the tests' own tools import when they are imported."""
    sources = [source for folder in _OURS[:3] for source in (ROOT / folder).glob("**/src/*")]
    ours = {source.name for source in sources} | {"tests", "drills"}
    files = (file for place in (*sources, ROOT / "tests/support") for file in place.rglob("*.py"))
    named = {name for file in (ROOT / "conftest.py", *files) for name in _named(file)}
    return sorted(name for name in named if name.partition(".")[0] not in ours)


def ours() -> list[str]:
    """What no process of a test runs, and what tests share; but no test, which pytest itself imports."""
    sources = [source for folder in _OURS[:3] for source in (ROOT / folder).glob("**/src/*/")]
    modules = {
        ".".join(file.relative_to(source.parent).with_suffix("").parts).removesuffix(".__init__")
        for source in sources
        for file in source.rglob("*.py")
        if file.stem != "__main__" and "migrations" not in file.parts
    }
    tests = {name for file in (ROOT / "tests").rglob("*.py") for name in _named(file)}
    shared = {
        name for name in tests if name.startswith(("tests.", "drills.")) and ".test_" not in name
    }
    return sorted(modules | shared)


def _named(file: Path) -> Iterator[str]:
    yield from _IMPORTED.findall(file.read_text(encoding="utf-8"))


def come_along() -> list[str]:
    """Modules of ours that are already here."""
    folders = tuple(f"{ROOT / folder}{os.sep}" for folder in _OURS)
    others = [each for each in sys.modules.items() if each[1] is not sys.modules["__main__"]]
    return [
        name for name, each in others if (getattr(each, "__file__", "") or "").startswith(folders)
    ]


def main() -> None:
    # As in conftest.py, and here no thread may begin at all.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # The folder of this file, in which `table` and `playing` would be found.
    sys.path.pop(0)
    for name in ("pytest", *libraries()):
        # What a machine lacks is missed by whoever needs it.
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)
    if names := come_along():
        sys.exit(f"a library has imported what may be broken: {', '.join(names)}")
    if WHOLE in sys.argv:
        _with_ours()
    if (threads := psutil.Process().num_threads()) > 1:
        sys.exit(f"a library has begun {threads - 1} threads, which copies would not have")
    # Which file a module is of is looked up once for all: by whoever tells a failure.
    inspect.getmodule(main.__code__)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    for line in sys.stdin:
        if not (copy := os.fork()):
            _become(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])}\n")
        sys.stdout.flush()


def _with_ours() -> None:
    sys.path.insert(0, str(ROOT))
    for name in ours():
        importlib.import_module(name)
    importlib.import_module(_IN_PLACE).functions()


def _become(order: Order) -> None:
    """`python -m pytest` with the folders in front; ends as it does."""
    with Path(os.devnull).open("rb") as nothing, Path(order["output"]).open("wb") as output:
        for number, file in ((0, nothing), (1, output), (2, output)):
            os.dup2(file.fileno(), number)
    sys.path[:0] = order["path"]
    os.environ["PYTHONPATH"] = os.pathsep.join(order["path"])
    os.environ.update(order["environment"])
    time.tzset()
    if order["breaks"]:
        importlib.import_module(_IN_PLACE).break_functions(*order["breaks"])
    # pytest would like to be the first to import some libraries, for better words of their asserts.
    sys.argv = ["pytest", "-W", "ignore::pytest.PytestAssertRewriteWarning", *order["arguments"]]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
