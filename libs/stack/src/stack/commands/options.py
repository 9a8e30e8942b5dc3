"""Options that many commands take, spelled the same everywhere."""

import os
from pathlib import Path
from typing import Annotated

import typer

from stack.errors import StackError
from stack.layout import DATA_VARIABLE, HOME_VARIABLE

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar=DATA_VARIABLE, help="Data directory of the stack [.ruta]"),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of a gateway other than the running stack's"),
]


def home() -> Path:
    """The project's root, where `./ruta` lies; StackError outside a clone."""
    root = Path(os.environ.get(HOME_VARIABLE) or Path.cwd())
    if not (root / "uv.lock").exists():
        raise StackError(f"{root} is no clone of the project: call ./ruta from one")
    return root
