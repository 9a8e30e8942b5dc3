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
from stack.wording import said

app = typer.Typer()
_LOOK_AGAIN = 0.3
# Time, then the process, as stack.console writes them. A line without them continues the previous one.
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
        raise StackError("no stack runs on {root}: ./ruta up starts one", root=layout.root)
    for name, value in (("RUTA", state.url), ("RUTA_DATA", str(layout.root))):
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command()
def logs(
    process: Annotated[
        str | None, typer.Argument(help="Of this process alone, e.g. referrals; all if not said")
    ] = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Of the past")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C")] = False,
    data: Data = None,
    kube: Kube = None,
) -> None:
    """Show the last log lines of the processes."""
    if kube is not None:
        raise typer.Exit(ClusterCommands(kube).logs(process, lines, follow=follow))
    layout = Layout.of(data)
    refuse_small(layout, said("podman logs shows the lines of a container"))
    if not layout.log_file.exists():
        raise StackError("no log in {root}: no stack was started on it", root=layout.root)
    with layout.log_file.open(encoding="utf-8", errors="replace") as file:
        past = deque(said_by(process, file), maxlen=lines)
        if process is not None and not past and not follow:
            raise StackError(
                "no line of {process!r} in {log}", process=process, log=layout.log_file
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
            help="The data directory's whole path, typed: it is removed for good, keys too"
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Stop Ruta and remove the environment that `./ruta` made.

    Data stays unless you name it.
    """
    layout = Layout.of(data)
    refuse_small(layout, said("deploy/run-small down stops it"))
    if with_data is not None and Path(with_data) != layout.root:
        raise StackError(
            "--with-data must say the data directory as it is: {root}", root=layout.root
        )
    if is_locked(layout):
        down(layout.root)
    if with_data is not None:
        if not layout.keys.is_dir():
            raise StackError(
                "{root} is no data directory of a stack: nothing was removed", root=layout.root
            )
        shutil.rmtree(layout.root)
        sys.stdout.write(said("removed {root}", root=layout.root) + "\n")
    elif layout.root.exists():
        sys.stdout.write(
            said("kept {root}: the data, and the keys that open it", root=layout.root) + "\n"
        )
    root = home()
    for name in _MADE_ANEW:
        if (root / name).is_dir():
            shutil.rmtree(root / name)
            sys.stdout.write(said("removed {path}", path=root / name) + "\n")
    sys.stdout.write(said("what is left is the clone itself: {root}", root=root) + "\n")


def said_by(process: str | None, lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a process and its replicas (`referrals-2`); of all if None."""
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
