"""Which third-party packages an image holds: a CycloneDX bill of materials made from the lock."""

import shutil
import subprocess
from pathlib import Path

from stack.errors import StackError

# The `SERVICE` values of deploy/Dockerfile.
DISTRIBUTIONS = (
    "ruta-console",
    "ruta-drawing",
    "ruta-gateway",
    "ruta-referrals",
    "ruta-reporting",
    "ruta-services-directory",
    "ruta-stack",
)


def bill_of_materials(root: Path, distribution: str) -> str:
    """CycloneDX 1.5 JSON of an image's Python packages with their hashes; StackError if unknown."""
    if distribution not in DISTRIBUTIONS:
        raise StackError(
            "no image {distribution!r}: one of {known}",
            distribution=distribution,
            known=", ".join(DISTRIBUTIONS),
        )
    uv = shutil.which("uv")
    if uv is None:
        raise StackError("uv is not on the path: call this by ./ruta k8s sbom")
    done = subprocess.run(
        [
            *(uv, "export", "--frozen", "--no-dev", "--package", distribution),
            # As deploy/Dockerfile installs it.
            *(() if distribution == "ruta-stack" else ("--all-extras",)),
            # uv calls the format a preview; the test validates what it writes.
            *("--format", "cyclonedx1.5", "--preview-features", "sbom-export"),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError("uv could not export the lock: {words}", words=done.stderr.strip())
    return done.stdout
