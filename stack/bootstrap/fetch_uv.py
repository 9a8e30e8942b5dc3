"""Installs `uv` without pip: downloads its wheel from the package index and unpacks it.

This is for Python installations without pip and ensurepip, such as that of a minimal Debian. Usage: `python fetch_uv.py
TARGET [FOLDER]`. The program is installed as TARGET/bin/uv, from a wheel in FOLDER if given (a bundle for an office
without internet). It uses only the standard library.
"""

import hashlib
import io
import json
import os
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin

DEFAULT_INDEX = "https://pypi.org/simple"


def main(target: Path, wheels: Path | None = None) -> None:
    if wheels is not None:
        from_folder(target, wheels)
        return
    index = os.environ.get("UV_INDEX_URL") or os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX
    request = urllib.request.Request(  # noqa: S310 -- the index is the user's own setting
        f"{index.rstrip('/')}/uv/",
        headers={"Accept": "application/vnd.pypi.simple.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- as above
        files = json.load(answer)["files"]
        base = answer.geturl()
    wheel = newest([file for file in files if suits(file["filename"])])
    with urllib.request.urlopen(urljoin(base, wheel["url"]), timeout=300) as answer:  # noqa: S310 -- as above
        content = answer.read()
    expected = wheel["hashes"]["sha256"]
    if hashlib.sha256(content).hexdigest() != expected:
        sys.exit("the downloaded uv does not have the hash that the index names")
    unpack(content, target / "bin" / "uv")


def from_folder(target: Path, wheels: Path) -> None:
    found = [path for path in wheels.glob("uv-*.whl") if suits(path.name)]
    if not found:
        sys.exit(f"the bundle has no uv for {sys.platform} {platform.machine()}")
    unpack(max(found).read_bytes(), target / "bin" / "uv")


def suits(filename: str) -> bool:
    """Return whether a wheel suits this machine. The musl build runs on every Linux."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        return "macosx" in filename and machine.replace("aarch64", "arm64") in filename
    return filename.endswith(f"musllinux_1_1_{machine}.whl")


def newest(files: list[dict]) -> dict:
    released = [file for file in files if not file.get("yanked")]
    if not released:
        sys.exit(f"the index has no uv for {sys.platform} {platform.machine()}")
    return max(released, key=lambda file: version(file["filename"]))


def version(filename: str) -> tuple[int, ...]:
    parts = filename.split("-")[1].split(".")
    return tuple(int(part) if part.isdigit() else -1 for part in parts)


def unpack(wheel: bytes, program: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(archive.read(member))
    program.chmod(0o755)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
