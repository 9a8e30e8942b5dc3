"""One drawing, one process: what an engine keeps in memory goes with it.

`python -m drawing KIND` reads the argument as JSON and writes the bytes that it gives.
"""

import importlib
import json
import os
import subprocess
import sys
import threading

from drawing.errors import FailedDrawing
from drawing.kinds import KINDS

AT_ONCE = 2
SECONDS = 120
_FREE = threading.BoundedSemaphore(AT_ONCE)
_FAILED = 3


def drawn_apart(kind: str, argument: bytes) -> bytes:
    """What `kind` makes of a JSON text; FailedDrawing if it raises or takes two minutes.

    It blocks: call it from a thread. Two run at once, the others wait.
    """
    with _FREE:
        try:
            done = subprocess.run(  # noqa: S603 - this Python, one of our functions
                [sys.executable, "-m", "drawing", kind],
                input=argument,
                capture_output=True,
                check=False,
                timeout=SECONDS,
                env={k: v for k, v in os.environ.items() if not k.startswith("RUTA_")},
            )
        except subprocess.TimeoutExpired:
            raise FailedDrawing(f"{kind} took more than {SECONDS} s") from None
    if done.returncode != 0:
        raise FailedDrawing(done.stderr.decode(errors="replace").strip() or f"{kind} ended")
    return done.stdout


def draw(kind: str) -> int:
    """The process itself: standard input to standard output."""
    module, _, name = KINDS[kind].partition(":")
    try:
        made: bytes = getattr(importlib.import_module(module), name)(json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 - told to whoever asked, whatever it is
        sys.stderr.write(str(error))
        return _FAILED
    sys.stdout.buffer.write(made)
    return 0
