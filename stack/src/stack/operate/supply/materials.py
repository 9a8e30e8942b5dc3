"""The third-party packages of an image: a CycloneDX bill of materials, generated from the lock file."""

import json
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from stack.errors import StackError

# The `SERVICE` values in deploy/Dockerfile.
DISTRIBUTIONS = (
    "ruta-console",
    "ruta-drawing",
    "ruta-gateway",
    "ruta-referrals",
    "ruta-reporting",
    "ruta-services-directory",
    "ruta-stack",
)

# In auditwheel's naming: libpq-6197da7d.so.5.18
_LIBRARY = re.compile(r"lib(?P<name>.+?)(?:-[0-9a-f]{8})*\.so(?:\.(?P<version>[0-9.]+))?")


def bill_of_materials(root: Path, distribution: str) -> str:
    """Return an image's Python packages with their hashes, as CycloneDX 1.5 JSON. Raise StackError for an unknown
    image."""
    if distribution not in DISTRIBUTIONS:
        raise StackError(
            "there is no image {distribution!r}; the images are: {known}",
            distribution=distribution,
            known=", ".join(DISTRIBUTIONS),
        )
    done = subprocess.run(
        [
            *(found_uv(), "export", "--frozen", "--no-dev", "--package", distribution),
            # As installed by deploy/Dockerfile.
            *(("--extra", "operations") if distribution == "ruta-stack" else ("--all-extras",)),
            # uv calls this format a preview, so a test validates the output
            *("--format", "cyclonedx1.5", "--preview-features", "sbom-export"),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError("uv could not export the lock: {words}", words=done.stderr.strip())
    bill = json.loads(done.stdout)
    for component in bill["components"]:
        if inside := _bundled(component["name"], component["version"]):
            component["components"] = inside
    return json.dumps(bill, indent=2)


def found_uv() -> str:
    uv = shutil.which("uv")
    if uv is None:
        raise StackError("uv is not on the PATH: run this through ./ruta")
    return uv


def _bundled(name: str, version: str) -> list[dict[str, Any]]:
    """Return libraries inside the installed wheel that advisories may mention: those in its own bills of materials (PEP
    770), and other shared libraries. Return an empty list if another version is installed."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return []
    if installed.version != version:
        return []
    paths = [path for path in installed.files or () if not path.is_absolute()]
    bills = [path for path in paths if path.parent.name == "sboms" and path.suffix == ".json"]
    found = [each for path in bills for each in json.loads(path.read_text()).get("components", [])]
    said = {each["name"].lower() for each in found}
    for path in paths:
        library = _LIBRARY.fullmatch(path.name) if path.parent.name.endswith(".libs") else None
        if library and library["name"].lower() not in said:
            found.append({"name": library["name"], "version": library["version"] or ""})
    unique = {(each["name"], each.get("version", "")): each for each in found}
    return [
        {
            "type": "library",
            "name": each["name"],
            **{key: each[key] for key in ("version", "purl") if each.get(key)},
        }
        for _, each in sorted(unique.items())
    ]
