"""Merges the output lines of many processes: prefixed on the terminal, and in a rotating file."""

import logging
import os
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

# Terminal colours: cyan, green, yellow, magenta, blue, bright cyan and bright green.
_COLOURS = (36, 32, 33, 35, 34, 96, 92)
_FILE_BYTES = 20_000_000
_FILES = 3
OWN_NAME = "ruta"


class _KeptLines(RotatingFileHandler):
    """Writes lines to the file. It silently skips lines that do not fit on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        pass


class Console:
    """Prints lines. With `quiet`, the lines of the processes go only to the file; the stack's own lines are always
    printed."""

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
        # The output of a program must not act as terminal commands.
        sys.stderr.write(prefix + "".join(c for c in text if c.isprintable() or c == "\t") + "\n")

    def say(self, text: str) -> None:
        self.line(OWN_NAME, text)

    def close(self) -> None:
        self._file.close()

    def _keep(self, text: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = logging.makeLogRecord({"msg": "%s %s", "args": (stamp, text)})
        self._file.handle(record)
