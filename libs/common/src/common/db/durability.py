"""Checks that the database writes to disk before it acknowledges a commit. Pure. A server without that guarantee looks
normal until it loses power. Tests cannot cut the power, so the service checks the settings at run time."""

from collections.abc import Mapping

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
"""PostgreSQL settings that can be turned off for speed, even while the server runs."""
OK = "ok"
REMEDY = (
    "if the power fails, the database loses commands that it has acknowledged: turn on"
    f" {', '.join(SETTINGS)}, then reload the configuration (SELECT pg_reload_conf())"
)


def promised(settings: Mapping[str, str]) -> str:
    """Return `ok`, or the wrong settings, e.g. `fsync off`."""
    off = [name for name in SETTINGS if settings.get(name) == "off"]
    return ", ".join(f"{name} off" for name in off) or OK
