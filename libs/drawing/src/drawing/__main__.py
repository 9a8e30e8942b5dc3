"""Entry point: `python -m drawing KIND` makes one drawing, `serve SOCKET` serves drawings, and `answers SOCKET` probes
that server."""

import sys
from pathlib import Path

from drawing.processes import KINDS

match sys.argv[1:]:
    case ["serve", place]:
        from drawing.server import serve

        serve(Path(place))
    case ["answers", place]:
        from drawing.client import answers

        sys.exit(0 if answers(Path(place)) else f"nobody draws at {place}")
    case [kind] if kind in KINDS:
        from drawing.processes import draw

        sys.exit(draw(kind))
    case _:
        sys.exit(
            f"usage: python -m drawing {'|'.join(KINDS)} < argument.json, serve SOCKET, or answers SOCKET"
        )
