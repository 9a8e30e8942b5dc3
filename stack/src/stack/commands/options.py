"""Options that many commands take, spelled the same everywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from stack.embedded.layout import DATA_VARIABLE, HOME_VARIABLE
from stack.errors import StackError
from stack.wording import speak_for_programs

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar=DATA_VARIABLE, help="Data directory of the stack [.ruta]"),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of a gateway other than the running stack's"),
]
Kube = Annotated[
    str | None,
    typer.Option(
        "--kube",
        metavar="NAMESPACE",
        help="Not here but on a cluster, by kubectl as you are signed in",
    ),
]


def _for_programs(wanted: bool) -> bool:
    if wanted:
        speak_for_programs()
    return wanted


AsJson = Annotated[
    bool,
    typer.Option(
        "--json", callback=_for_programs, help="For programs: one JSON document, in English"
    ),
]


def write_json(value: Any) -> None:
    """Names stay: programs read them."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def home() -> Path:
    """The project's root, where `./ruta` lies; StackError outside a clone."""
    root = Path(os.environ.get(HOME_VARIABLE) or Path.cwd())
    if not (root / "uv.lock").exists():
        raise StackError("{root} is no clone of the project: call ./ruta from one", root=root)
    return root


def run_of_tests(module: str, arguments: Sequence[str]) -> NoReturn:
    """Run a drill that lies with the tests, and end as it ended."""
    root = home()
    done = subprocess.run(
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    raise typer.Exit(done.returncode)
