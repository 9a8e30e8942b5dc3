"""The command `bench`: runs the benchmarks, each next to its yardstick, and records the machine."""

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from common.clock import utc_day
from rich.console import Console
from rich.table import Table

from stack.commands.options import home
from stack.errors import StackError

_terminal = Console(highlight=False, soft_wrap=True)
app = typer.Typer()
_PARTS = {"upstream"}  # started by other benchmarks; measures nothing by itself


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            help="The name of a benchmark in benchmarks/; leave it out to list them all"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--json", help="A file to which the result is also written")
    ] = None,
) -> None:
    """Run one benchmark or all of them.

    Other options are passed to the benchmark.
    """
    known = {
        path.stem: path
        for path in sorted((home() / "benchmarks").glob("*.py"))
        if path.stem not in _PARTS
    }
    if name is None:
        _list(known)
        return
    if name != "all" and name not in known:
        raise StackError(
            "there is no benchmark {name!r}; the benchmarks are: {known}",
            name=name,
            known=", ".join(known),
        )
    chosen = known if name == "all" else {name: known[name]}
    facts = machine_facts()
    _terminal.print(json.dumps(facts, indent=1))
    results = [_measure(each, path, context.args) for each, path in chosen.items()]
    table = Table("benchmark", "figures that have a goal", "exit", "seconds")
    for result in results:
        table.add_row(
            result["name"],
            "\n".join(result["figures"]),
            str(result["exit"]),
            f"{result['seconds']:.1f}",
        )
    _terminal.print(table)
    if out is not None:
        out.write_text(json.dumps({"machine": facts, "results": results}, indent=1) + "\n")
    if any(result["exit"] for result in results):
        raise typer.Exit(1)


def machine_facts() -> dict[str, Any]:
    """Return facts about the machine, so that nobody compares figures from different machines."""
    return {
        "date": utc_day(datetime.now(UTC)).isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _list(known: dict[str, Path]) -> None:
    table = Table("benchmark", "what it measures")
    for name, path in known.items():
        words = path.read_text().split('"""', 2)[1]
        table.add_row(name, " ".join(words.split("\n\n")[0].split()))
    _terminal.print(table)


def _measure(name: str, path: Path, options: list[str]) -> dict[str, Any]:
    """Run a benchmark. Show its lines as they arrive and keep them in the result."""
    _terminal.rule(name, align="left")
    began = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        # -P is needed because otherwise `benchmarks/directory.py` shadows the package `directory`
        [sys.executable, "-P", "-u", str(path), *options],
        cwd=home(),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(home())},
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            lines.append(line.rstrip())
    return {
        "name": name,
        "exit": process.returncode,
        "seconds": round(time.monotonic() - began, 1),
        # Every benchmark prints the goal next to its figure.
        "figures": [line.strip() for line in lines if "(goal" in line],
        "output": lines,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
