"""`test` and `check`: the two commands of the CI, for everybody."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stack.commands.options import home
from stack.errors import StackError
from stack.reference import client
from stack.separate_builds import CONSTRAINTS, PACKAGES, build_wheels
from stack.wording import said

app = typer.Typer()
MOST_UNSTEADY = 3
_TESTS_FAILED = 1
"""Pytest's own word for a run that came to its end, with failures; interrupted or broken ones say another."""
_LAST_FAILED = ".pytest_cache/v/cache/lastfailed"
_terminal = Console(highlight=False, soft_wrap=True)
_ONE_SPEAKS = Lock()


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="The long drills, too, as the CI does")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only what needs no server")] = False,
) -> None:
    """Run the tests in parallel; with names of tests, files or folders those in one process.

    Arguments go to pytest.
    """
    chosen = [f"--{name}" for name, given in (("all", everything), ("quick", quick)) if given]
    named = any(not argument.startswith("-") for argument in context.args)
    arguments = [
        *([] if named else in_parallel(waiting=not quick)),
        *chosen,
        *context.args,
    ]
    command = [sys.executable, "-m", "pytest", *arguments]
    if not everything or named:
        raise typer.Exit(_run("pytest", command))
    folder = in_memory()
    there = [] if folder is None else [f"--basetemp={folder}"]
    code = alone(home(), _run("pytest", [*command, *there], folder=folder))
    if folder is not None and code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    elif folder is not None:
        _terminal.print(
            said("Its files stay until the next run, in memory: {folder}", folder=folder)
        )
    raise typer.Exit(code)


@app.command()
def check(
    full: Annotated[
        bool, typer.Option(help="Also build each package and import it alone (minutes, network)")
    ] = False,
) -> None:
    """Check style, types and the import contracts; report all that fails, not only the first."""
    root = home()
    tested = [name for name in ("tests", "benchmarks") if any((root / name).rglob("*.py"))]
    types: list[tuple[str, list[str]]] = [
        ("types", [sys.executable, "-m", "mypy", *_packages()]),
        ("types of tests", [sys.executable, "-m", "mypy", *tested]),
    ]
    others = [
        ("lint", [sys.executable, "-m", "ruff", "check", "."]),
        ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
        ("import contracts", [str(Path(sys.executable).parent / "lint-imports")]),
        ("map of floors", [sys.executable, "-m", "stack.floors_map", str(root)]),
        ("one chain of revisions", [sys.executable, "-m", "stack.one_chain"]),
        ("nothing unused", [sys.executable, "-m", "tests.support.unused"]),
    ]
    built = [("each package alone", [sys.executable, "-m", "stack.separate_builds", str(root)])]
    # mypy's second run takes what the first has found out. What is installed waits more than it computes.
    beside = [types, others, *([built] if full else [])]
    with ThreadPoolExecutor(len(beside)) as running:
        results = [each for done in running.map(_checked, beside) for each in done]
    table = Table("check", "result", "seconds")
    for name, code, seconds in results:
        verdict = "[green]passed[/]" if code == 0 else "[bold red]failed[/]"
        table.add_row(name, verdict, f"{seconds:.1f}")
    _terminal.print(table)
    if any(code for _, code, _ in results):
        raise typer.Exit(1)


@app.command()
def wheels(
    folder: Annotated[Path, typer.Argument(help="Where they are put; made when it is missing")],
) -> None:
    """Build what another machine installs: `pipx install ruta` from the folder brings this command."""
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


def alone(root: Path, code: int) -> int:
    """Once more what failed among 6,000 others, with nothing beside it; 0 if it holds then. It is named all
    the same, to be mended: see docs/decisions/0171. `code`: how the run ended. One that did not come to its
    end proves nothing of what it left out."""
    if code != _TESTS_FAILED:
        return code
    try:
        failed = list(json.loads((root / _LAST_FAILED).read_text()))
    except OSError:
        return 1
    if not 0 < len(failed) <= MOST_UNSTEADY:
        return 1
    command = [sys.executable, "-m", "pytest", "-q", "--all", *failed]
    if _run("what failed, alone", command, root):
        return 1
    for test in failed:
        _terminal.print(
            said("[yellow]unsteady[/] {test}: failed beside others, held alone", test=escape(test))
        )
    return 0


def in_memory(memory: Path = Path("/dev/shm"), room: int = 16 << 30) -> Path | None:  # noqa: S108 - named by its process
    """Where the files of a whole run go (10 GB at its end): on a disk, making and removing those of some hundred
    servers is a quarter of what it computes. None where there are not so many bytes free, or where no program may
    run. What an ended process left there goes."""
    if not memory.is_dir() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    for left in memory.glob("ruta-tests-*"):
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    free = min(shutil.disk_usage(memory).free, psutil.virtual_memory().available)
    return memory / f"ruta-tests-{os.getpid()}" if free >= room else None


def in_parallel(*, waiting: bool = True) -> list[str]:
    """Three workers on two cores: each waits a part of its time, for servers and for clocks. A fourth costs
    more than it brings, as each imports everything and starts servers of its own (two cores, three and four
    workers: without drills 5:18 and 6:24, with them 46 and 57 minutes).

    One a core where there is nothing to wait for.
    The order of the groups is that of tests/support/selection.py.
    """
    cores = len(os.sched_getaffinity(0))
    workers = max(2, min(8, int(cores * (1.5 if waiting else 1))))
    return ["-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder", "-q"]


def _packages() -> list[str]:
    return [part for package in PACKAGES.values() for part in ("-p", package)]


def _checked(steps: Iterable[tuple[str, list[str]]]) -> list[tuple[str, int, float]]:
    """One after the other, each with all that it says in one piece: name, exit code, seconds."""
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


def _run(
    name: str, command: list[str], root: Path | None = None, folder: Path | None = None
) -> int:
    """`folder`: for its temporary files."""
    _terminal.rule(name, align="left")
    environment = _environment() | ({"TMPDIR": str(folder)} if folder else {})
    with _starting(name):
        return subprocess.run(command, cwd=root or home(), check=False, env=environment).returncode


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
    # The stack's own settings must not leak into tests that make their own.
    return {
        key: value for key, value in os.environ.items() if key not in ("RUTA_DATA", "RUTA_PORT")
    }
