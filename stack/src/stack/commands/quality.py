"""`test` and `check`: the two commands that CI runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stack.commands.options import home
from stack.develop.advisories import NOT_COMPARED
from stack.develop.builds import CONSTRAINTS, PACKAGES, build_wheels
from stack.errors import StackError
from stack.reference import client

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
_ONE_SPEAKS = Lock()
_VERDICTS = {
    0: "[green]passed[/]",
    NOT_COMPARED: "[yellow]not compared: no advisory source can be reached[/]",
}


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Only drills that need no server")] = False,
) -> None:
    """Run the tests that every change must pass, or those that you name.

    Arguments are passed to pytest. Named tests run in one process.
    """
    places = [argument for argument in context.args if not argument.startswith("-")]
    if "--drills" not in context.args:
        _refuse_drills(places)
    arguments = [
        *([] if places else in_parallel(waiting=not quick)),
        *(["--quick"] if quick else []),
        *context.args,
    ]
    raise typer.Exit(run("pytest", [sys.executable, "-m", "pytest", *arguments]))


def _refuse_drills(places: Iterable[str]) -> None:
    """Refuse drill folders. For these, pytest would run only the mutations of changed files."""
    root = home().resolve()
    for place in places:
        folder = (root / place).resolve()
        if folder.is_dir() and folder.is_relative_to(root / "drills"):
            raise StackError(
                "{place} contains drills: run them with ./ruta drills {name}; to run only the tests of a file, name the file",
                place=place,
                name="".join(folder.relative_to(root).parts[1:2]) or "NAME",
            )


@app.command()
def check(
    full: Annotated[
        bool,
        typer.Option(
            help="Also build and import each package on its own, and compare the lock with known vulnerabilities (takes minutes and needs the network)"
        ),
    ] = False,
) -> None:
    """Check style, types and import contracts."""
    root = home()
    tested = [
        name for name in ("tests", "drills", "benchmarks") if any((root / name).rglob("*.py"))
    ]
    types: list[tuple[str, list[str]]] = [
        ("types", [sys.executable, "-m", "mypy", *_packages()]),
        ("types of tests", [sys.executable, "-m", "mypy", *tested]),
    ]
    others = [
        ("lint", [sys.executable, "-m", "ruff", "check", "."]),
        ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
        ("import contracts", [str(Path(sys.executable).parent / "lint-imports")]),
        ("one chain of revisions", [sys.executable, "-m", "stack.develop.revisions"]),
        ("subjects of commits", [sys.executable, "-m", "stack.develop.subjects", str(root)]),
        ("nothing unused", [sys.executable, "-m", "tests.support.unused"]),
    ]
    built = [
        ("each package alone", [sys.executable, "-m", "stack.develop.builds", str(root)]),
        ("known vulnerabilities", [sys.executable, "-m", "stack.develop.advisories", str(root)]),
    ]
    # mypy's second run reuses the results of the first. The installation mostly waits for the network.
    beside = [types, others, *([built] if full else [])]
    with ThreadPoolExecutor(len(beside)) as running:
        results = [each for done in running.map(_checked, beside) for each in done]
    table = Table("check", "result", "seconds")
    for name, code, seconds in results:
        verdict = _VERDICTS.get(code, "[bold red]failed[/]")
        table.add_row(name, verdict, f"{seconds:.1f}")
    _terminal.print(table)
    if any(code not in _VERDICTS for _, code, _ in results):
        raise typer.Exit(1)


@app.command()
def wheels(
    folder: Annotated[
        Path, typer.Argument(help="The folder for the packages; it is created if it does not exist")
    ],
) -> None:
    """Build the packages that another machine installs with pipx."""
    from stack.reference import described  # noqa: PLC0415  # it loads every service

    built = folder.absolute()
    build_wheels(home(), built)
    client.wheel(described.document(), built)
    for made in sorted(built.glob("*.whl")):
        _terminal.print(made.name, highlight=False)
    _terminal.print(
        f'pipx install ruta --pip-args="--find-links {folder} --constraint {folder / CONSTRAINTS}"',
        highlight=False,
        soft_wrap=True,
    )


def in_parallel(*, waiting: bool = True) -> list[str]:
    """Return pytest's options for parallel runs.

    Three workers run on two cores, because each waits for servers and clocks part of the time. A fourth worker costs
    more than it saves, because every worker imports everything and starts its own servers. On two cores, three and four
    workers took 5:18 and 6:24 without drills, and 46 and 57 minutes with them. Without `waiting`, use one worker per
    core. tests/support/selection.py orders the groups.
    """
    cores = len(os.sched_getaffinity(0))
    workers = max(2, min(8, int(cores * (1.5 if waiting else 1))))
    return ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder", "-q"]


def _packages() -> list[str]:
    return [part for package in PACKAGES.values() for part in ("-p", package)]


def _checked(steps: Iterable[tuple[str, list[str]]]) -> list[tuple[str, int, float]]:
    """Run the steps one after another and print the output of each in one block. Return names, exit codes and
    seconds."""
    results = []
    for name, command in steps:
        began = time.monotonic()
        with _starting(name):
            done = subprocess.run(
                command,
                cwd=home(),
                check=False,
                env=_environment() | ({"FORCE_COLOR": "1"} if _terminal.is_terminal else {}),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        with _ONE_SPEAKS:
            _terminal.rule(name, align="left")
            sys.stdout.flush()
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
        results.append((name, done.returncode, time.monotonic() - began))
    return results


def run(name: str, command: list[str]) -> int:
    """Run a command in the project root, in this terminal, and return its exit code."""
    _terminal.rule(name, align="left")
    with _starting(name):
        return subprocess.run(command, cwd=home(), check=False, env=_environment()).returncode


@contextmanager
def _starting(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StackError(
            "{name} could not run: {strerror}: {filename}",
            name=name,
            strerror=error.strerror,
            filename=error.filename,
        ) from error


def _environment() -> dict[str, str]:
    # The stack's own settings must not leak into tests that set theirs.
    return {
        key: value for key, value in os.environ.items() if key not in ("RUTA_DATA", "RUTA_PORT")
    }
