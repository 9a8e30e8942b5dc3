"""A command loads only the modules that it needs. Every start waits for the migrations, so they load no app."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.laborious, pytest.mark.slow]

RUN = """
import runpy, sys
package = sys.argv[1]
del sys.argv[1]
try:
    runpy.run_module(package, run_name="__main__", alter_sys=True)
finally:
    print(package + ".app" in sys.modules, "fastapi" in sys.modules)
"""
_SERVICES = pytest.mark.parametrize("package", ["referrals", "reporting", "directory"])


def run(package: str, verb: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, package, verb],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )


@_SERVICES
def test_a_migration_loads_neither_the_app_nor_its_framework(package: str) -> None:
    done = run(package, "migrate")
    assert done.returncode == 78, done.stderr
    assert "RUTA_DATABASE_URL: is missing" in done.stderr
    assert done.stdout.split() == ["False", "False"]


def test_an_unknown_verb_is_answered_with_all_there_are() -> None:
    done = run("directory", "sing")
    assert done.returncode == 78
    verbs = "api|worker|migrate|republish|replay-dead-letters|announce-gaps"
    verbs += "|list-restrictions|apply-restrictions"
    assert f"python -m directory {verbs}" in done.stderr


MULTIPLYING = """
import os, sys
from types import SimpleNamespace
from common.verbs import main
def multiply(settings):
    import numpy
    matrix = numpy.ones((800, 800))
    matrix @ matrix
    print(len(os.listdir("/proc/self/task")))
VERBS = {"multiply": multiply}
sys.modules["multiplying"] = sys.modules["__main__"]
sys.argv[1:] = ["multiply"]
settings = lambda: SimpleNamespace(service="x", log_level="INFO", otlp_endpoint=None, clock_file=None, home_timezone="America/Caracas")
main("reporting", settings, commands="multiplying:VERBS")
"""


def test_linear_algebra_has_one_thread() -> None:
    """The stored result must not depend on the number of cores."""
    done = subprocess.run(
        [sys.executable, "-c", MULTIPLYING], capture_output=True, text=True, check=False, env={}
    )
    assert done.stdout.split() == ["1"], done.stderr
