"""Builds each package and imports all of it in an environment that holds nothing else.

A dependency that a package uses and does not declare is there by luck in the shared environment;
here it is missing.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from stack.errors import StackError

# distribution -> import name
PACKAGES = {
    "ruta-common": "common",
    "ruta-gateway": "gateway",
    "ruta-services-directory": "services_directory",
    "ruta-referrals": "referrals",
    "ruta-reporting": "reporting",
    "ruta-stack": "stack",
}

_IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    # Programs, and what only Alembic runs, do their work when they are imported.
    if not module.name.endswith((".__main__", "migrations.env")) and ".versions." not in module.name:
        importlib.import_module(module.name)
"""


def build_and_import_alone(root: Path, say: Callable[[str], None]) -> list[str]:
    """Returns the distributions that failed."""
    uv = shutil.which("uv")
    if uv is None:
        raise StackError("uv is not on the path: call this by ./ruta check --full")
    with tempfile.TemporaryDirectory(prefix="ruta-builds-") as folder:
        work = Path(folder)
        wheels, pins = work / "wheels", work / "pins.txt"
        _must(uv, "build", "--all-packages", "--wheel", "--quiet", "--out-dir", wheels, cwd=root)
        # The same versions as everywhere else, so that only missing declarations can fail.
        _must(
            *(uv, "export", "--frozen", "--all-packages", "--all-groups", "--no-hashes"),
            *("--no-emit-workspace", "--no-header", "--quiet", "--output-file", pins),
            cwd=root,
        )
        return [
            distribution
            for distribution, package in PACKAGES.items()
            if not _stands_alone(uv, work, distribution, package, say)
        ]


def _stands_alone(
    uv: str, work: Path, distribution: str, package: str, say: Callable[[str], None]
) -> bool:
    environment = work / distribution
    python = environment / "bin" / "python"
    steps: list[list[str | Path]] = [
        [uv, "venv", "--quiet", "--python", sys.executable, environment],
        [
            *(uv, "pip", "install", "--quiet", "--python", python),
            *("--find-links", work / "wheels", "--constraint", work / "pins.txt", distribution),
        ],
        [python, "-c", _IMPORT_ALL, package],
    ]
    for step in steps:
        done = subprocess.run(step, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"{distribution}: {done.stderr.strip()}")
            return False
    say(f"{distribution}: builds, and imports alone")
    return True


def _must(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{' '.join(str(part) for part in command[:3])}: {done.stderr.strip()}")
