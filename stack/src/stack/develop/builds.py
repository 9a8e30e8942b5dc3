"""Builds the packages, and imports each package alone with the oldest Python available here. The shared environment
hides dependencies that a package uses but does not declare. In an environment with one package, they are missing."""

import subprocess
import sys
import tempfile
from pathlib import Path

from stack.errors import StackError
from stack.operate.supply.materials import found_uv

# distribution -> import name
PACKAGES = {
    "ruta-common": "common",
    "ruta-drawing": "drawing",
    "ruta-gateway": "gateway",
    "ruta-services-directory": "directory",
    "ruta-referrals": "referrals",
    "ruta-reporting": "reporting",
    "ruta-console": "console",
    "ruta-stack": "stack",
}
EXTRAS = {"ruta-drawing": "engines", "ruta-stack": "services"}
"""The extra that some modules of a package need for their import."""
OLDEST = "3.11"
"""The first Python that Ruta supports."""

_IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    # Programs, and what only Alembic runs, do their work when they are imported.
    if not module.name.endswith((".__main__", "migrations.env")) and ".versions." not in module.name:
        importlib.import_module(module.name)
"""


CONSTRAINTS = "constraints.txt"


def build_wheels(root: Path, folder: Path) -> None:
    """Build a wheel of each package and of `ruta`, which requires all of them. Write the tested versions of their
    dependencies (`CONSTRAINTS`)."""
    _must(
        found_uv(), "build", "--all-packages", "--wheel", "--quiet", "--out-dir", folder, cwd=root
    )
    _must(
        *(found_uv(), "export", "--frozen", "--all-packages", "--all-groups", "--no-hashes"),
        *("--no-emit-workspace", "--no-header", "--quiet", "--output-file", folder / CONSTRAINTS),
        cwd=root,
    )


def build_and_import_alone(root: Path) -> list[str]:
    """Print the result for each distribution and return those that failed."""
    with tempfile.TemporaryDirectory(prefix="ruta-builds-") as folder:
        work = Path(folder)
        # use the same versions as everywhere else, so that only missing declarations can fail
        build_wheels(root, work / "wheels")
        return [
            distribution
            for distribution, package in PACKAGES.items()
            if not _stands_alone(found_uv(), work, distribution, package)
        ]


def oldest_python() -> str:
    """Return the oldest supported Python on this machine, or else the current one."""
    found = subprocess.run(
        [found_uv(), "python", "find", "--no-project", "--no-python-downloads", OLDEST],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else sys.executable


def _stands_alone(program: str, work: Path, distribution: str, package: str) -> bool:
    environment = work / distribution
    python = environment / "bin" / "python"
    extra = f"[{EXTRAS[distribution]}]" if distribution in EXTRAS else ""
    steps: list[list[str | Path]] = [
        [program, "venv", "--quiet", "--python", oldest_python(), environment],
        [
            *(program, "pip", "install", "--quiet", "--python", python),
            *("--find-links", work / "wheels", "--constraint", work / "wheels" / CONSTRAINTS),
            distribution + extra,
        ],
        [python, "-c", _IMPORT_ALL, package],
    ]
    for step in steps:
        done = subprocess.run(step, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"{distribution}: {done.stderr.strip()}")
            return False
    print(f"{distribution}: builds, and imports alone")
    return True


def _must(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError.passed_on(
            f"{' '.join(str(part) for part in command[:3])}: {done.stderr.strip()}"
        )


if __name__ == "__main__":
    sys.exit(bool(build_and_import_alone(Path(sys.argv[1]))))
