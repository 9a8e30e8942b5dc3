"""Options shared by many commands, with the same spelling everywhere."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stack.embedded.layout import DATA_VARIABLE, HOME_VARIABLE
from stack.errors import StackError
from stack.texts import speak_for_programs

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar=DATA_VARIABLE, help="Data directory of the stack [.ruta]"),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="The address of another gateway, instead of that of the running stack"
    ),
]
Kube = Annotated[
    str | None,
    typer.Option(
        "--kube",
        metavar="NAMESPACE",
        help="Run it on a cluster instead of here, through kubectl with your own sign-in",
    ),
]


def _for_programs(wanted: bool) -> bool:
    if wanted:
        speak_for_programs()
    return wanted


AsJson = Annotated[
    bool,
    typer.Option(
        "--json", callback=_for_programs, help="Print one JSON document in English, for programs"
    ),
]


def write_json(value: Any) -> None:
    """Print JSON with untranslated names, because programs read it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def home() -> Path:
    """Return the project root, which contains `./ruta`. Raise StackError outside a clone."""
    root = Path(os.environ.get(HOME_VARIABLE) or Path.cwd())
    if not (root / "uv.lock").exists():
        raise StackError("{root} is not a clone of the project: run ./ruta from a clone", root=root)
    return root
