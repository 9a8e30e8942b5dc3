"""`reference`: generates partner packages from the API description."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stack.commands.options import Data, Url
from stack.embedded.connection import connect
from stack.errors import StackError
from stack.reference.client import wheel

_TRIES = 60
_group = typer.Typer(help="Build a typed client of the API.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(_group, name="reference")


def _document(data: Path | None, url: str | None) -> dict[str, Any]:
    """Return the complete description. Wait for services that are starting or busy."""
    running = connect(data, url)
    lacking: Sequence[str] = ()
    for _ in range(_TRIES):
        answer = running.request(None, "GET", "/openapi.json")
        if answer.status_code == 200:
            document: dict[str, Any] = answer.json()
            return document
        lacking = answer.json().get("detail_params", ())
        if answer.status_code != 503 or not lacking:
            raise StackError("there is no description: HTTP {status}", status=answer.status_code)
        time.sleep(1)
    raise StackError(
        "the description lacks parts that are not running: {lacking}. Check ./ruta status, then try again",
        lacking=", ".join(lacking),
    )


@_group.command("client")
def client(
    out: Annotated[Path, typer.Option("--out", help="Folder for the wheel")],
    data: Data = None,
    url: Url = None,
) -> None:
    """Build the wheel of `ruta-client`, a typed Python client of every operation."""
    typer.echo(wheel(_document(data, url), out))
