"""Makes each drawing in its own process, so that the engine's memory is freed. `python -m drawing KIND` reads the
argument as JSON from standard input and writes the drawing to standard output."""

import importlib
import json
import os
import subprocess
import sys
import threading

KINDS = {
    "charts": "drawing.charts:charts",
    "pictures": "drawing.pages:pictures",
    "page": "drawing.pages:page",
}
"""All kinds of drawings. Other names are refused, so no request can call another function."""
AT_ONCE = 2
SECONDS = 120
_FREE = threading.BoundedSemaphore(AT_ONCE)
_FAILED = 3


class FailedDrawing(Exception):
    """The engine reported an error, crashed or took too long. The message comes from the engine."""


class NobodyDraws(FailedDrawing):
    """No server is available; the same request may succeed later."""


def drawn_apart(kind: str, argument: bytes) -> bytes:
    """Draw in a new process, with an argument in JSON. Raise FailedDrawing if the engine fails or takes two minutes.
    This blocks, so call it from a thread. Two drawings run at the same time; others wait."""
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
    """Draw inside the new process and return its exit code."""
    module, _, name = KINDS[kind].partition(":")
    try:
        made: bytes = getattr(importlib.import_module(module), name)(json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 - the caller gets every message
        sys.stderr.write(str(error))
        return _FAILED
    sys.stdout.buffer.write(made)
    return 0
