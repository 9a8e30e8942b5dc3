"""`upgrade`: from one release to the next, with the backup that leads back."""

from pathlib import Path
from typing import Annotated

import typer

from stack.commands.backup import backup
from stack.commands.lifecycle import down, up
from stack.commands.options import Data
from stack.errors import StackError
from stack.layout import Layout
from stack.played import refuse_played
from stack.running import running_state
from stack.wording import said

app = typer.Typer()


@app.command()
def upgrade(
    folder: Annotated[Path, typer.Argument(help="Where the backup goes that leads back")],
    key_file: Annotated[Path, typer.Option("--key-file", help="The key file of the backups")],
    data: Data = None,
) -> None:
    """Back up the running stack, stop it, and start this release on its data."""
    layout = Layout.of(data)
    refuse_played(layout, said("deploy/run-small upgrade does it"))
    state = running_state(layout)
    if state is None:
        raise StackError("no stack runs on {root}: ./ruta up starts one", root=layout.root)
    backup(folder, key_file, data)
    down(data)
    try:
        up(data=data, port=state.port, detach=True)
    except StackError as error:
        raise StackError(
            "this release does not start ({error}). Back: ./ruta restore {folder}, by the former release, into a new"
            " directory",
            error=error,
            folder=folder,
        ) from error
