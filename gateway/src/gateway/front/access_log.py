"""The access log: one JSON line per request, without a person in it.

No address, no query, no path beyond the capability (`/referrals/v1/cases`), no user agent. Lines
are gathered and written together, because a write per request would cost more than the request.
"""

import asyncio
import re
import sys
from typing import Any, TextIO

import orjson
from common import clock

_FLUSH_SECONDS = 0.25
_FLUSH_LINES = 500
_SEGMENT = re.compile(r"[a-z_-]{1,40}")


def capability(path: str, prefix: str) -> str:
    """The route's prefix and the segment after it, if that looks like a name of ours."""
    rest = path[len(prefix) + 1 :]
    segment = rest.partition("/")[0]
    if not segment:
        return prefix
    return f"{prefix}/{segment}" if _SEGMENT.fullmatch(segment) else f"{prefix}/*"


class AccessLog:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, **fields: Any) -> None:
        """Add one line; it reaches the stream within a quarter of a second."""
        line = {"event": "request", "service": "gateway", "timestamp": clock.now(), **fields}
        self._lines.append(orjson.dumps(line))
        if len(self._lines) >= _FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._stream.write(b"\n".join([*self._lines, b""]).decode())
            self._stream.flush()
            self._lines.clear()
