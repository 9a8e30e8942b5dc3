"""The tested stack as its own process, with replicas, proxies in between and higher rate limits.

python -m drills.faults.serve CHOICES.json
"""

import json
import sys
from pathlib import Path

from stack.daemon import supervise
from stack.embedded.layout import Layout, StackState
from stack.embedded.plan import Choices
from stack.embedded.ports import free_port


def main(file: Path) -> None:
    wanted = json.loads(file.read_text())

    async def ready(_state: StackState) -> None:
        """Add nothing, because the harness loads its own data."""

    choices = Choices(
        port=free_port(),
        replicas=wanted["replicas"],
        extra=wanted["extra"],
        extra_of=wanted["extra_of"],
        through=wanted["through"],
    )
    supervise(Layout(Path(wanted["data"])), choices, ready, quiet=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
