"""One stream of lines out of many processes: prefixed on the terminal, kept in a rotating file."""

import logging
import os
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

# Terminal colours: cyan, green, yellow, magenta, blue, and brighter cyan and green.
_COLOURS = (36, 32, 33, 35, 34, 96, 92)
_FILE_BYTES = 20_000_000
_FILES = 3
OWN_NAME = "ruta"


class _KeptLines(RotatingFileHandler):
    """A line that a full disk does not take is missing there; nothing is told of each."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        pass


class Console:
    """`quiet` keeps the processes' lines in the file only; the stack's own lines always show."""

    def __init__(self, log_file: Path, *, quiet: bool = False) -> None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        self._coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        self._quiet = quiet
        self._colours: dict[str, int] = {}
        self._file = _KeptLines(log_file, maxBytes=_FILE_BYTES, backupCount=_FILES)
        log_file.chmod(0o600)

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<10}│ "
        self._keep(prefix + text)
        if self._quiet and name != OWN_NAME:
            return
        if self._coloured:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        # Output of a program must not act as a terminal command.
        sys.stderr.write(prefix + "".join(c for c in text if c.isprintable() or c == "\t") + "\n")

    def say(self, text: str) -> None:
        """A line of the stack itself."""
        self.line(OWN_NAME, text)

    def close(self) -> None:
        self._file.close()

    def _keep(self, text: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = logging.makeLogRecord({"msg": "%s %s", "args": (stamp, text)})
        self._file.handle(record)
