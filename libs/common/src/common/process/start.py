"""The first steps of every process: load its settings, and report errors in them on one line. It is separate from
`common.http.server`, so that the front, which has no database, does not load the libraries of that module."""

import sys
from typing import NoReturn, TypeVar

from pydantic import ValidationError

from common import clock
from common.process import logs, telemetry
from common.settings import CoreSettings, explain

S = TypeVar("S", bound=CoreSettings)
CONFIGURATION_ERROR = 78  # EX_CONFIG of sysexits.h
TEMPORARY_FAILURE = 75  # EX_TEMPFAIL: the same command may succeed later


def load(kind: type[S]) -> S:
    """Read settings from the environment, or exit with one line that names the error."""
    try:
        return kind()
    except ValidationError as error:
        fail(explain(error))


def say(text: str) -> None:
    """Print one line of command output."""
    sys.stdout.write(f"{text}\n")


def fail(message: str, status: int = CONFIGURATION_ERROR) -> NoReturn:
    sys.stderr.write(f"ruta: {message}\n")
    raise SystemExit(status)


def prepare(settings: CoreSettings) -> None:
    """Configure the logs, traces and clock of this process."""
    logs.configure(settings.service, settings.log_level)
    telemetry.configure(settings.service, settings.otlp_endpoint)
    clock.follow(settings.clock_file)
    clock.live_in(settings.home_timezone)
