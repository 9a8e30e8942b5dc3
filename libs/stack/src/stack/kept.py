"""What `./ruta up` becomes: it keeps the stack running and holds nothing that only a command needs.

`python -m stack.kept WANTED`, with a `Wanted` as JSON. A command line with its tables and its client of HTTP is four
times as much as what keeps processes running, and it would stay for as long as the stack does.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from stack.errors import StackError, in_one_line
from stack.layout import Layout, StackState
from stack.plan import Choices
from stack.ports import free_port
from stack.supervisor import supervise
from stack.wording import said


@dataclass(frozen=True)
class Wanted:
    """What the caller of `./ruta up` decided. `port` 0 takes a free one; `greet` tells the terminal how to go on."""

    data: str
    port: int
    replicas: int
    demo: bool
    quiet: bool
    greet: bool

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "stack.kept", json.dumps(asdict(self))]


def main(wanted: Wanted) -> None:
    layout = Layout(Path(wanted.data))
    doings = [name for name in ("demo", "greet") if getattr(wanted, name)]

    async def when_ready(state: StackState) -> None:
        if doings:
            await _welcome(wanted.data, state.url, *doings)

    choices = Choices(port=wanted.port or free_port(), replicas=wanted.replicas)
    supervise(layout, choices, when_ready, quiet=wanted.quiet)


async def _welcome(*arguments: str) -> None:
    """`stack.welcome` on this terminal; StackError with its last word if it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stack.welcome", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C must reach the supervisor alone.
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
            (words.decode(errors="replace").strip().splitlines() or [said("no demo data")])[-1]
        )


if __name__ == "__main__":
    try:
        main(Wanted(**json.loads(sys.argv[1])))
    except (StackError, OSError) as error:
        words = in_one_line(error)
        sys.exit(f"\x1b[1;31m{words}\x1b[0m" if sys.stderr.isatty() else words)
