"""`env`, `logs`, `uninstall`: variables, log lines, and the files that `./ruta` created."""

import os
import re
import shlex
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer

from stack.commands.lifecycle import down
from stack.commands.options import Data, Kube, home
from stack.embedded.connection import running_state
from stack.embedded.layout import Layout
from stack.embedded.lock import is_locked
from stack.embedded.small import refuse_small
from stack.errors import StackError
from stack.operate.cluster.commands import ClusterCommands
from stack.texts import said

app = typer.Typer()
_LOOK_AGAIN = 0.3
# The time, then the process, as stack.console writes them. A line without them continues the previous one.
_LINE = re.compile(r"\S+Z (\S+) *│ ")
_MADE_ANEW = (".venv", ".ruta-env")


@app.command()
def env(data: Data = None) -> None:
    """Print shell variables for the guides.

    Set them with `eval "$(./ruta env)"`.
    """
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    for name, value in (("RUTA", state.url), ("RUTA_DATA", str(layout.root))):
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command()
def logs(
    process: Annotated[
        str | None,
        typer.Argument(help="Only the lines of this process, e.g. referrals; by default, of all"),
    ] = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of past lines")] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Continue until you press Ctrl-C")
    ] = False,
    data: Data = None,
    kube: Kube = None,
) -> None:
    """Show the last log lines of the processes."""
    if kube is not None:
        raise typer.Exit(ClusterCommands(kube).logs(process, lines, follow=follow))
    layout = Layout.of(data)
    refuse_small(layout, said("use podman logs to see the lines of a container"))
    if not layout.log_file.exists():
        raise StackError(
            "there is no log in {root}: no stack was ever started there", root=layout.root
        )
    with layout.log_file.open(encoding="utf-8", errors="replace") as file:
        past = deque(said_by(process, file), maxlen=lines)
        if process is not None and not past and not follow:
            raise StackError(
                "{log} has no line from {process!r}", process=process, log=layout.log_file
            )
        sys.stdout.writelines(past)
        if follow:
            _go_on(process, layout.log_file, file)


@app.command()
def uninstall(
    *,
    with_data: Annotated[
        str | None,
        typer.Option(
            help="Type the full path of the data directory to confirm: it is permanently deleted, including its keys"
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Stop Ruta and remove the environment that `./ruta` created.

    The data is kept unless you name it.
    """
    layout = Layout.of(data)
    refuse_small(layout, said("stop it with deploy/run-small down"))
    if with_data is not None and Path(with_data) != layout.root:
        raise StackError("--with-data must be exactly the data directory: {root}", root=layout.root)
    if is_locked(layout):
        down(layout.root)
    if with_data is not None:
        if not layout.keys.is_dir():
            raise StackError(
                "{root} is not the data directory of a stack, so nothing was removed",
                root=layout.root,
            )
        shutil.rmtree(layout.root)
        sys.stdout.write(said("removed {root}", root=layout.root) + "\n")
    elif layout.root.exists():
        sys.stdout.write(
            said("kept {root}, with the data and the keys that open it", root=layout.root) + "\n"
        )
    root = home()
    for name in _MADE_ANEW:
        if (root / name).is_dir():
            shutil.rmtree(root / name)
            sys.stdout.write(said("removed {path}", path=root / name) + "\n")
    sys.stdout.write(said("only the clone itself is left: {root}", root=root) + "\n")


def said_by(process: str | None, lines: Iterable[str]) -> Iterator[str]:
    """Yield the log lines of a process and its replicas (`referrals-2`), or of all processes if None."""
    wanted = process is None
    for line in lines:
        if process is not None and (found := _LINE.match(line)):
            wanted = re.sub(r"-\d+$", "", found[1]) == process or found[1] == process
        if wanted:
            yield line


def _go_on(process: str | None, path: Path, file: TextIO) -> None:
    current = file
    while True:
        for line in said_by(process, current):
            sys.stdout.write(line)
        sys.stdout.flush()
        if path.stat().st_ino != os.fstat(current.fileno()).st_ino:
            # The file was rotated.
            current = path.open(encoding="utf-8", errors="replace")
        time.sleep(_LOOK_AGAIN)
