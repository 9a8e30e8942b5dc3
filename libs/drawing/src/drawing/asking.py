"""Asks for a drawing: of the container beside this one if it was told of its socket, of a process of its own else."""

import json
from pathlib import Path
from typing import Any

from drawing.errors import FailedDrawing, NobodyDraws
from drawing.listening import answers
from drawing.processes import SECONDS, drawn_apart

_WAITING = 2 * SECONDS
"""For one's turn and for the drawing."""
_beside: list[Path] = []


def ask_beside(socket: Path | None) -> None:
    """From now on this process asks there; None: it draws itself. Called once, where a process starts."""
    _beside[:] = [] if socket is None else [socket]


def drawn(kind: str, argument: dict[str, Any]) -> bytes:
    """What `kind` (`kinds.KINDS`) makes of the argument; FailedDrawing with what the engine says, NobodyDraws where
    nothing answers. It blocks: call it from a thread."""
    told = json.dumps(argument, ensure_ascii=False).encode()
    return _asked(_beside[0], kind, told) if _beside else drawn_apart(kind, told)


def _asked(socket: Path, kind: str, told: bytes) -> bytes:
    import httpx  # noqa: PLC0415 - a service of one machine draws itself and asks nobody

    if not answers(socket):
        raise NobodyDraws(f"nobody draws at {socket}")
    # A name for the protocol's sake: nothing is resolved.
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://drawing", timeout=_WAITING
    ) as client:
        try:
            answer = client.post(f"/{kind}", content=told)
        except httpx.TransportError as error:
            raise NobodyDraws(f"what draws does not answer at {socket}: {error}") from error
    if answer.status_code == httpx.codes.OK:
        return answer.content
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        raise FailedDrawing(answer.text)
    raise NobodyDraws(f"what draws answered {answer.status_code}: {answer.text}")
