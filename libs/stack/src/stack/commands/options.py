"""Options that many commands take, spelled the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from stack.layout import DATA_VARIABLE

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar=DATA_VARIABLE, help="Data directory of the stack [.ruta]"),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of a gateway other than the running stack's"),
]
