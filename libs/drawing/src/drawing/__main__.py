"""`python -m drawing KIND`: one drawing. `python -m drawing serve SOCKET`: draws for who asks there; `answers SOCKET`:
whether it does."""

import sys
from pathlib import Path

from drawing.kinds import KINDS

match sys.argv[1:]:
    case ["serve", place]:
        from drawing.serving import serve

        serve(Path(place))
    case ["answers", place]:
        from drawing.listening import answers

        sys.exit(0 if answers(Path(place)) else f"nobody draws at {place}")
    case [kind] if kind in KINDS:
        from drawing.processes import draw

        sys.exit(draw(kind))
    case _:
        sys.exit(
            f"usage: python -m drawing {'|'.join(KINDS)} < argument.json, serve SOCKET, or answers SOCKET"
        )
