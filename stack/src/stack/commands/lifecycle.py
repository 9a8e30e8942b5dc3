"""`up`, `down`, `status`, `token`: start, stop and inspect the embedded stack."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stack.commands.options import AsJson, Data, Url, write_json
from stack.daemon import Wanted
from stack.demo.welcome import greet
from stack.embedded.child import is_running
from stack.embedded.connection import connect, running_state
from stack.embedded.layout import DEFAULT_PORT, PORT_VARIABLE, Layout
from stack.embedded.lock import already_runs, check_port, holder, is_locked
from stack.embedded.plan import CONSOLE, OUTSIDE_ISSUER, SERVERS, SERVICES, outside_issuer
from stack.embedded.ports import LOOPBACK, answers, status_of
from stack.embedded.small import refuse_small
from stack.errors import StackError
from stack.operate import releases
from stack.operate.backup.archive import Archive
from stack.operate.backup.lists import remember_places
from stack.texts import said

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
_DETACH_SECONDS = 300
_DOWN_SECONDS = 120


@app.command()
def up(
    *,
    port: Annotated[
        int,
        typer.Option(envvar=PORT_VARIABLE, min=0, max=65535, help="The port; 0 takes a free one"),
    ] = DEFAULT_PORT,
    data: Data = None,
    detach: Annotated[
        bool,
        typer.Option("--detach", "-d", help="Return when Ruta is ready; stop it with ./ruta down"),
    ] = False,
    demo: Annotated[
        bool, typer.Option(help="Load fictional Venezuelan demo data, with people who can sign in")
    ] = False,
    replicas: Annotated[
        int,
        typer.Option(
            min=1, max=8, help="Processes per service; the gateway shares requests among them"
        ),
    ] = 1,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Write the log lines of the services only to the file"),
    ] = False,
    archive: Annotated[
        Path | None,
        typer.Option(
            help="A folder on another disk that lets you restore to any moment; Ruta remembers it"
        ),
    ] = None,
    archive_key: Annotated[
        Path | None, typer.Option(help="With --archive: the key file of the backups")
    ] = None,
) -> None:
    """Start Ruta: databases, events, all services and the gateway."""
    layout = Layout.of(data)
    refuse_small(layout, said("start it with deploy/run-small up"))
    if not all(map(find_spec, (CONSOLE, *SERVICES.values()))):
        raise StackError(
            "this environment has no services, like the operations image of a cluster. Use ./ruta up from a clone or a bundle, or `pip install ruta`"
        )
    if demo and (issuer := outside_issuer()) is not None:
        raise StackError(
            "--demo uses clients of Ruta's own issuer, but {variable} is set to {issuer}: load the demo once without that variable, then start with it",
            variable=OUTSIDE_ISSUER,
            issuer=issuer,
        )
    if archive is not None:
        if archive_key is None:
            raise StackError("--archive needs --archive-key: the key file that the backups use")
        Archive(archive, archive_key).begin(layout)
    releases.refuse_newer_data(layout)
    remember_places(layout)
    wanted = Wanted(str(layout.root), port, replicas, demo, quiet=quiet or detach, greet=not detach)
    if detach:
        _detach(layout, wanted)
    else:
        sys.stdout.flush()
        os.execv(sys.executable, wanted.command)  # noqa: S606 - our own program, no shell is wanted


@app.command()
def down(data: Data = None) -> None:
    """Stop Ruta."""
    layout = Layout.of(data)
    if not is_locked(layout):
        _terminal.print(said("no stack is running on {root}", root=layout.root))
        return
    pid = holder(layout)
    if pid is None:
        raise StackError(
            "a stack on {root} is just starting: try again in a moment", root=layout.root
        )
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_SECONDS
    # the lock is released shortly before the process ends, so wait for both
    while is_locked(layout) or is_running(pid):
        if time.monotonic() > deadline:
            raise StackError(
                "process {pid} is not stopping: see {log}", pid=pid, log=layout.log_file
            )
        time.sleep(0.1)
    _terminal.print(said("stopped"))


@app.command()
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Show each process and whether it is ready.

    Exit 1 unless all are ready.
    """
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    verdicts = {
        name: _verdict(name, pid, state.ports.get(name)) for name, pid in state.processes.items()
    }
    healthy = state.ready and set(verdicts.values()) <= {said("ready")}
    if as_json:
        processes = [
            {"name": name, "pid": pid, "port": state.ports.get(name), "state": verdicts[name]}
            for name, pid in sorted(state.processes.items())
        ]
        about = {"url": state.url, "data": str(layout.root), "ready": healthy}
        write_json({**about, "processes": processes})
    else:
        table = Table(
            said("process"),
            "pid",
            said("state"),
            title=said("{url}   data: {root}", url=state.url, root=layout.root),
        )
        for name, pid in sorted(state.processes.items()):
            table.add_row(name, str(pid), verdicts[name])
        _terminal.print(table)
    if not healthy:
        raise typer.Exit(1)


@app.command()
def token(client: str, data: Data = None, url: Url = None) -> None:
    """Print an access token of a demo client, for example `ngo-refugio`."""
    sys.stdout.write(connect(data, url).token(client) + "\n")


def _verdict(name: str, pid: int, port: int | None) -> str:
    if not is_running(pid):
        return said("ended")
    if port is None or name in SERVERS:
        return said("ready") if port is None or answers(port) else said("not responding")
    status = status_of(port, "/readyz", 5)
    if status is None:
        return said("not responding")
    return said("ready") if status == 200 else said("not ready (HTTP {status})", status=status)


def _detach(layout: Layout, wanted: Wanted) -> None:
    layout.logs.mkdir(parents=True, exist_ok=True)
    if is_locked(layout):
        raise StackError.passed_on(already_runs(layout))
    if wanted.port != 0:
        check_port(wanted.port, LOOPBACK)
    words = layout.logs / "start.log"
    with words.open("wb") as out:
        process = subprocess.Popen(
            wanted.command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _DETACH_SECONDS
    with _terminal.status(said("starting")):
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StackError.passed_on(_failure(words.read_text(errors="replace")))
            if (state := running_state(layout)) is not None and state.ready:
                greet(layout, state.url)
                return
            time.sleep(0.1)
    process.terminate()
    raise StackError(
        "Ruta was not ready after {seconds} s: see {log}",
        seconds=_DETACH_SECONDS,
        log=layout.log_file,
    )


def _failure(words: str) -> str:
    told = [line.split("ruta: ", 1)[1] for line in words.splitlines() if line.startswith("ruta: ")]
    lines = [line for line in words.splitlines() if line.strip()]
    return (told or lines or [said("the stack stopped without a message")])[-1]
