"""The process of `./ruta up`. It keeps the stack running and loads no library that only a command needs.

Usage: `python -m stack.daemon WANTED`, with a `Wanted` as JSON. The command line itself, with its tables and HTTP
client, needs four times as much memory and would run as long as the stack.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from stack.demo.clients import prepare_clients
from stack.embedded.layout import Layout, StackState
from stack.embedded.lock import check_port, check_room, end_leftovers, exclusive
from stack.embedded.plan import Choices
from stack.embedded.ports import free_port
from stack.embedded.supervisor import Supervisor, WhenReady
from stack.embedded.terminal import Console
from stack.errors import StackError, in_one_line
from stack.operate import releases
from stack.operate.backup.snapshot import remove_leftover
from stack.texts import said

_SHIP_SECONDS = 5.0


@dataclass(frozen=True)
class Wanted:
    """The caller's options for `./ruta up`. A `port` of 0 chooses a free port. `greet` prints the next steps."""

    data: str
    port: int
    replicas: int
    demo: bool
    quiet: bool
    greet: bool

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "stack.daemon", json.dumps(asdict(self))]


def main(wanted: Wanted) -> None:
    layout = Layout(Path(wanted.data))
    doings = [name for name in ("demo", "greet") if getattr(wanted, name)]

    async def when_ready(state: StackState) -> None:
        if doings:
            await _welcome(wanted.data, state.url, *doings)

    choices = Choices(port=wanted.port or free_port(), replicas=wanted.replicas)
    supervise(layout, choices, when_ready, quiet=wanted.quiet)


def supervise(
    layout: Layout, choices: Choices, when_ready: WhenReady, *, quiet: bool = False
) -> None:
    """Run the stack in this process until SIGINT or SIGTERM. Raise StackError if startup fails."""
    with exclusive(layout):
        check_room(layout)
        check_port(choices.port, choices.host)
        console = Console(layout.log_file, quiet=quiet)
        for name in end_leftovers(layout):
            console.say(
                said("ended {name}, which was left over from a stack that was killed", name=name)
            )
        prepare_clients(layout)
        layout.anchors.mkdir(exist_ok=True)
        if layout.restore_mark.exists():
            raise StackError.passed_on(layout.restore_mark.read_text().splitlines()[0])
        remove_leftover(layout)
        for name in layout.holds():
            console.say(
                said(
                    "{name} was held back by {file}; it now starts again",
                    name=name,
                    file=layout.hold_file(name),
                )
            )
            layout.hold_file(name).unlink()

        async def record_release(state: StackState) -> None:
            await when_ready(state)
            releases.record(layout)

        async def ship() -> None:
            await _ship(layout, console)

        shipping = ship if layout.archive_file.exists() else None
        try:
            asyncio.run(Supervisor(layout, choices, console, record_release, shipping).run())
        except OSError as error:
            raise StackError.passed_on(
                f"{error.strerror}: {error.filename or layout.root}"
            ) from error
        finally:
            console.close()


async def _ship(layout: Layout, console: Console) -> None:
    """Ship the write-ahead log to the archive. Segments that cannot be shipped wait in the spool."""
    from stack.operate.backup.archive import Archive, ship  # noqa: PLC0415 - few have one, and it knows how to seal

    archive = Archive.of(layout)
    if archive is None:
        return
    failing = ""
    while True:
        try:
            await asyncio.to_thread(ship, archive, layout.spool)
            failing = ""
        except (OSError, StackError) as error:
            if str(error) != failing:
                console.say(
                    said(
                        "the write-ahead log cannot be copied to the archive: {error}", error=error
                    )
                )
            failing = str(error)
        await asyncio.sleep(_SHIP_SECONDS)


async def _welcome(*arguments: str) -> None:
    """Run `stack.demo.welcome` in this terminal. If it fails, raise StackError with the last line of its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stack.demo.welcome", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # Only the supervisor may receive Ctrl-C.
        start_new_session=True,
    )
    try:
        _, words = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode != 0:
        raise StackError.passed_on(
            (
                words.decode(errors="replace").strip().splitlines()
                or [said("there is no demo data")]
            )[-1]
        )


if __name__ == "__main__":
    try:
        main(Wanted(**json.loads(sys.argv[1])))
    except (StackError, OSError) as error:
        words = in_one_line(error)
        sys.exit(f"\x1b[1;31m{words}\x1b[0m" if sys.stderr.isatty() else words)
