"""`drills`: the long-running tests for releases and nightly runs, with the latest results in drills/LAST.md.
`mutations` and `faults` are drills with options of their own."""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn
from xml.etree import ElementTree as ET

import typer
from common import clock

from stack.commands.options import home
from stack.commands.quality import in_parallel, run
from stack.errors import StackError

app = typer.Typer()
_ITS_OWN_OPTIONS: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
_RESULTS = "drills/LAST.md"
_HEAD = (
    "# The last run of each drill\n\n"
    "`./ruta drills` writes this page. A drill is a folder of `drills/`, or the tests of a folder of `tests/`"
    " that are marked `slow`.\n\n"
    "| drill | commit | day | result | minutes | machine |\n|---|---|---|---|---|---|\n"
)


@app.command()
def drills(
    names: Annotated[
        list[str] | None, typer.Argument(help="The drills to run; without a name, all of them")
    ] = None,
) -> None:
    """Run the long tests and keep their results in drills/LAST.md."""
    known = _known(home())
    unknown = set(names or ()) - known.keys()
    if unknown:
        raise StackError(
            "there is no drill {names}; the drills are: {known}",
            names=", ".join(sorted(unknown)),
            known=", ".join(known),
        )
    failed = [name for name in names or known if _play(name, known[name])]
    if failed:
        raise typer.Exit(1)


@app.command(context_settings=_ITS_OWN_OPTIONS)
def mutations(context: typer.Context) -> None:
    """Break each safety mechanism in a copy and show which test fails.

    Options: [NAME …] [--list].
    """
    _run_module("drills.mutations", context.args)


@app.command(context_settings=_ITS_OWN_OPTIONS)
def faults(context: typer.Context) -> None:
    """Stop parts of the stack under load and count the result of each command.

    Options: [--seeds N] [--fault NAME] [--commands N] [--seed N] [--json FILE].
    """
    _run_module("drills.faults", context.args)


def _run_module(module: str, arguments: list[str]) -> NoReturn:
    """Run a drill in this terminal and exit with its exit code."""
    root = home()
    done = subprocess.run(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    raise typer.Exit(done.returncode)


def _known(root: Path) -> dict[str, Path]:
    """Return drills by name. These are drill folders, and test folders that contain slow tests."""
    own = [each for each in sorted((root / "drills").iterdir()) if any(each.glob("test_*.py"))]
    marked = {
        root / "tests" / file.relative_to(root / "tests").parts[0]
        for file in (root / "tests").rglob("test_*.py")
        if "mark.slow" in file.read_text(encoding="utf-8")
    }
    return {each.stem: each for each in (*own, *sorted(marked))}


def _play(name: str, folder: Path) -> int:
    root, commit = home(), _commit(home())
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as told:
        report = Path(told) / "results.xml"
        code = run(
            name,
            [
                *(sys.executable, "-m", "pytest", *in_parallel(), "--drills"),
                *(f"--junitxml={report}", str(folder.relative_to(root))),
            ],
        )
        result = _counted(report)
    minutes = f"{(time.monotonic() - began) / 60:.1f}"
    day = clock.utc_day(clock.now()).isoformat()
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    _keep(root / _RESULTS, [name, commit, day, result, minutes, machine])
    return code


def _commit(root: Path) -> str:
    """Return the commit, with a plus if files other than the page of results have uncommitted changes, because nobody
    can look up that code later."""
    git = ("git", "-C", str(root))
    commit = _said_by(*git, "rev-parse", "--short=12", "HEAD")
    changed = _said_by(*git, "status", "--porcelain", "--", str(root), f":!{_RESULTS}")
    return commit + ("+" if changed else "")


def _counted(report: Path) -> str:
    """Return the counts of passed, failed and skipped tests: failures first, or "passed 7, skipped 1"."""
    if not report.exists():
        return "failed to start"
    suite = next(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest's own
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    passed = int(suite.get("tests", 0)) - bad - skipped
    parts = [
        f"failed {bad}" if bad else "",
        f"passed {passed}",
        f"skipped {skipped}" if skipped else "",
    ]
    return ", ".join(part for part in parts if part)


def _keep(page: Path, row: list[str]) -> None:
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    rows = dict(re.findall(r"^\| (\w+) (\| [0-9a-f]{12}.*)$", text, re.MULTILINE))
    rows[row[0]] = "".join(f"| {cell} " for cell in row[1:]) + "|"
    page.write_text(_HEAD + "".join(f"| {name} {rest}\n" for name, rest in sorted(rows.items())))


def _said_by(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
