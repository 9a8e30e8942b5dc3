"""Requests a drawing: from the container next to this one if its socket is set, or otherwise from a local process."""

import json
import socket
from pathlib import Path
from typing import Any

from drawing.processes import SECONDS, FailedDrawing, NobodyDraws, drawn_apart

_WAITING = 2 * SECONDS
"""Seconds to wait for earlier drawings and for this one."""
_beside: list[Path] = []


def ask_beside(place: Path | None) -> None:
    """Set the socket to use, or None to draw locally. Call this once, at process startup."""
    _beside[:] = [] if place is None else [place]


def answers(place: Path) -> bool:
    """Return whether a server listens on this socket (the kubelet's probe)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex(str(place)) == 0


def drawn(kind: str, argument: dict[str, Any]) -> bytes:
    """Return the drawing of this kind (`processes.KINDS`). Raise FailedDrawing with the engine's message, or
    NobodyDraws if no server responds. This blocks, so call it from a thread."""
    text = json.dumps(argument, ensure_ascii=False).encode()
    return _asked(_beside[0], kind, text) if _beside else drawn_apart(kind, text)


def _asked(place: Path, kind: str, text: bytes) -> bytes:
    import httpx  # noqa: PLC0415 - a service of one machine draws itself and asks nobody

    if not answers(place):
        raise NobodyDraws(f"nobody draws at {place}")
    # The protocol needs a host name; it is never resolved.
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(place)), base_url="http://drawing", timeout=_WAITING
    ) as client:
        try:
            answer = client.post(f"/{kind}", content=text)
        except httpx.TransportError as error:
            raise NobodyDraws(f"the server at {place} does not answer: {error}") from error
    if answer.status_code == httpx.codes.OK:
        return answer.content
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        raise FailedDrawing(answer.text)
    raise NobodyDraws(f"the server at {place} answered {answer.status_code}: {answer.text}")
