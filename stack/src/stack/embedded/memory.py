"""Memory settings of a server, derived from its container's limit. A server that reserves more memory than its
container allows runs until its cache is full and is then killed."""

from pathlib import Path

MEBIBYTE = 2**20
_UNLIMITED = 2**60
_LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Large enough to search 100,000 services with their indexes. PostgreSQL uses it only as needed: an idle stack takes
# as much memory as with the default of 128 MB.
_CACHE = 512
_MAINTENANCE = 64
_MESSAGES = 64


def limit() -> int | None:
    """Return the number of bytes that this container may use, from its control group, or None without a limit."""
    for file in _LIMIT_FILES:
        try:
            said = int(file.read_text())
        except (OSError, ValueError):  # no such cgroup file, or "max"
            continue
        return said if said < _UNLIMITED else None
    return None


def postgres(limit: int | None) -> dict[str, int]:
    """Return PostgreSQL's settings in MiB. The remaining memory is for two hundred connections."""
    return {
        "shared_buffers": _share(limit, 4, _CACHE),
        # for each of three concurrent autovacuum workers
        "maintenance_work_mem": _share(limit, 16, _MAINTENANCE),
    }


def broker(limit: int | None) -> int:
    """Return the number of bytes that in-memory streams of the broker may use."""
    return _share(limit, 4, _MESSAGES) * MEBIBYTE


def _share(limit: int | None, part: int, most: int) -> int:
    return most if limit is None else min(most, limit // part // MEBIBYTE)
