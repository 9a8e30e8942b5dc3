"""Memory settings of a server, from the limit of its container. A server that reserves more than its container allows
runs until its cache is full, and is then killed."""

from pathlib import Path

MEBIBYTE = 2**20
_UNLIMITED = 2**60
_LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# 100,000 services are searched in so much at one level, with its indexes. PostgreSQL touches it only as far as there
# is data to hold: a stack at rest takes as much with it as with the default of 128 MB.
_CACHE = 512
_MAINTENANCE = 64
_MESSAGES = 64


def limit() -> int | None:
    """Bytes that this container may use, as its control group says; None without a limit."""
    for file in _LIMIT_FILES:
        try:
            said = int(file.read_text())
        except (OSError, ValueError):  # no such group, or "max"
            continue
        return said if said < _UNLIMITED else None
    return None


def postgres(limit: int | None) -> dict[str, int]:
    """Settings of PostgreSQL in MiB. Two hundred connections need the other half."""
    return {
        "shared_buffers": _share(limit, 4, _CACHE),
        # For each of three workers that vacuum at the same time.
        "maintenance_work_mem": _share(limit, 16, _MAINTENANCE),
    }


def broker(limit: int | None) -> int:
    """Bytes that streams in memory may take of the broker."""
    return _share(limit, 4, _MESSAGES) * MEBIBYTE


def _share(limit: int | None, part: int, most: int) -> int:
    return most if limit is None else min(most, limit // part // MEBIBYTE)
