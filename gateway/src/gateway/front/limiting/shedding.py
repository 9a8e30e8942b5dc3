"""Refuses new work with 503 before memory grows: open requests and resident memory are watched."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from common.errors import UNAVAILABLE
from common.process.repeating import pause

from gateway.front.limiting.limits import Open

_STATM = Path("/proc/self/statm")
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_OF_THE_CONTAINER = 0.8
"""Of what the container may take: at its limit the kernel ends the process with all requests."""
_LOOK_SECONDS = 0.5


def resident_bytes() -> int:
    """This process's resident memory; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def guarded_bytes(setting: int, cgroup_limits: Iterable[Path] = _CGROUP_LIMITS) -> int:
    """The memory above which new requests are refused: the setting, or less in a small container."""
    for file in cgroup_limits:
        try:
            return min(setting, int(int(file.read_text()) * _OF_THE_CONTAINER))
        except (OSError, ValueError):  # no such hierarchy, or "max"
            continue
    return setting


class Shedding:
    def __init__(self, *, open_limit: int, memory_limit_bytes: int) -> None:
        self._open_limit = open_limit
        self._memory_limit_bytes = memory_limit_bytes
        self.memory_bytes = 0

    def check(self, open_now: Open, *, known: bool) -> None:
        """503 with Retry-After if this request would be one too many. Whoever asks without a name can do so from
        anywhere: half of the places are for those who are known."""
        full = open_now.total >= self._open_limit or (
            not known and open_now.of_nobody >= -(-self._open_limit // 2)
        )
        if full or self.memory_bytes > self._memory_limit_bytes:
            raise UNAVAILABLE.because("ruta_is_overloaded_at_moment", headers={"Retry-After": "2"})

    async def watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.memory_bytes = resident_bytes()
            await pause(stop, _LOOK_SECONDS)
