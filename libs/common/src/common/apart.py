"""Calls a function in a process that ends with it: what it keeps in memory goes with it.

For libraries that hold on to what they once made: typst keeps some fifty megabytes for each poster of
the last ten, more than a pod has. The process gets no settings, so no secret either.

`python -m common.apart module:function` reads the argument as JSON and writes the bytes it gives.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from typing import Any

_AT_ONCE = threading.BoundedSemaphore(2)
_SECONDS = 60
_FAILED = 3


class FailedApart(Exception):
    """The function raised, or the process ended otherwise; the text is its own."""


def called_apart(function: str, argument: Any) -> bytes:
    """What `module:function` makes of a JSON value; FailedApart if it raises or takes a minute.

    It blocks: call it from a thread. Two run at once, the others wait.
    """
    with _AT_ONCE:
        try:
            done = subprocess.run(  # noqa: S603 - this Python, one of our functions
                [sys.executable, "-m", "common.apart", function],
                input=json.dumps(argument).encode(),
                capture_output=True,
                check=False,
                timeout=_SECONDS,
                env={k: v for k, v in os.environ.items() if not k.startswith("RUTA_")},
            )
        except subprocess.TimeoutExpired:
            raise FailedApart(f"{function} took more than {_SECONDS} s") from None
    if done.returncode != 0:
        raise FailedApart(done.stderr.decode(errors="replace").strip() or f"{function} ended")
    return done.stdout


def _main() -> int:
    module, _, name = sys.argv[1].partition(":")
    try:
        made: bytes = getattr(importlib.import_module(module), name)(json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 - told to whoever called, whatever it is
        sys.stderr.write(str(error))
        return _FAILED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
