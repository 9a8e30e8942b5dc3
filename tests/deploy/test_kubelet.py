"""Containers that run as the image's user, as on a kubelet, with only the image's own files and without podman's
additions.

The test applies the lines of the Dockerfile's last stage to Debian's base `/etc`. Programs and packages come from this
machine. runc (a Debian package) then runs the pod `postgres` of `small`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stack.embedded import memory
from stack.embedded.ports import LOOPBACK, answers, free_port
from stack.embedded.postgres import binaries
from stack.operate.cluster import secrets as cluster_secrets

from tests.support.leaving_out import left_out
from tests.support.reference import ROOT
from tests.support.rendered_world import documents_of
from tests.support.system import until

_DOCKERFILE = ROOT / "deploy" / "Dockerfile"
_USER = 10001


def _accounts(etc: Path) -> None:
    """Apply the Dockerfile's last stage to the base image's `/etc`."""
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (etc / "group").write_text("root:x:0:\n")
    last = _DOCKERFILE.read_text().replace("\\\n", " ").rpartition("\nFROM ")[2]
    for command in re.findall(r"^RUN (.*)$", last, re.MULTILINE):
        subprocess.run(["sh", "-ec", command.replace("/etc/", f"{etc}/")], check=True)


def test_the_image_names_its_user(tmp_path: Path) -> None:
    """initdb and other programs look up their user's name, and a kubelet adds no user to /etc/passwd."""
    _accounts(tmp_path / "etc")
    users = [line.split(":") for line in (tmp_path / "etc" / "passwd").read_text().splitlines()]
    groups = [line.split(":") for line in (tmp_path / "etc" / "group").read_text().splitlines()]
    assert str(_USER) in {user[2] for user in users}
    assert str(_USER) in {group[2] for group in groups}
    assert f"USER {_USER}:{_USER}" in _DOCKERFILE.read_text()


@pytest.mark.slow
def test_postgresql_starts_as_a_kubelet_starts_it(tmp_path: Path) -> None:
    """PostgreSQL starts with the image's user, a read-only root, no capabilities, the group's volume and the Secret's
    mode."""
    deployment = next(
        d
        for d in documents_of("small")
        if d["kind"] == "Deployment" and d["metadata"]["name"] == "postgres"
    )
    port = free_port()
    pod = deployment["spec"]["template"]["spec"]
    with _run(pod, tmp_path, port) as log:
        until(lambda: _has_started(port, log), "PostgreSQL answers")
        limit = _bytes(pod["containers"][0]["resources"]["limits"]["memory"])
        cache = f"{memory.postgres(limit)['shared_buffers']}MB"
        assert _asked("SHOW shared_buffers", port, tmp_path) == cache, "as its limit allows"


def _has_started(port: int, log: Path) -> bool:
    said = log.read_text()
    assert not re.search("Traceback|failed", said), said
    return answers(port) and "PostgreSQL answers" in said


def _asked(question: str, port: int, folder: Path) -> str:
    password = (folder / "volumes" / "passwords" / "superuser").read_text()
    return subprocess.run(
        [str(binaries() / "psql"), "-XAtc", question, f"postgresql://postgres@{LOOPBACK}:{port}"],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@contextmanager
def _run(pod: dict[str, Any], folder: Path, port: int) -> Iterator[Path]:
    """Run a pod's first container on this machine's network."""
    runc = shutil.which("runc", path=f"{os.environ['PATH']}:/usr/sbin")
    if runc is None or os.geteuid() != 0:
        left_out("runs a container as root (Debian: runc)")
    bundle = folder / "bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(_configuration(pod, folder, port)))
    name, log = f"ruta-test-{os.getpid()}", folder / "log"
    run = [runc, "--root", str(folder / "state"), "run", "--bundle", str(bundle), name]
    with log.open("wb") as written:
        process = subprocess.Popen(run, stdin=subprocess.DEVNULL, stdout=written, stderr=written)
    try:
        yield log
    finally:
        process.terminate()  # runc passes it on.
        process.wait(60)


def _configuration(pod: dict[str, Any], folder: Path, port: int) -> dict[str, Any]:
    """Return the OCI runtime configuration that a kubelet creates for a pod."""
    (container, *_) = pod["containers"]
    security, inside = pod["securityContext"], container["securityContext"]
    root = folder / "root"
    root.mkdir()
    _accounts(root / "etc")
    for place in ("usr", "proc", "dev", "sys", "tmp"):
        (root / place).mkdir()
    for place in ("bin", "lib", "lib64", "sbin"):
        (root / place).symlink_to(f"usr/{place}")
    # The workspace's packages load from their own folders.
    shared = [str(ROOT), *{os.path.realpath(sys.base_prefix), sys.prefix, "/usr"}]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {
                "uid": security["runAsUser"],
                "gid": security["runAsGroup"],
                "additionalGids": [security["fsGroup"]],
            },
            "args": [sys.executable, "-m", *container["args"], f"--port={port}"],
            "cwd": "/",
            "env": [f"PATH={Path(sys.executable).parent}:/usr/bin", "PYTHONUNBUFFERED=1"],
            "capabilities": {}
            if inside["capabilities"]["drop"] == ["ALL"]
            else {"bounding": ["CAP_CHOWN"]},
            "noNewPrivileges": not inside["allowPrivilegeEscalation"],
        },
        "root": {"path": str(root), "readonly": inside["readOnlyRootFilesystem"]},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
            {
                "destination": "/sys/fs/cgroup",
                "type": "cgroup",
                "source": "cgroup",
                "options": ["ro"],
            },
            *(_bind(path, Path(path), "ro") for path in sorted(shared)),
            *(_volume(mount, pod, folder) for mount in container["volumeMounts"]),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "mount")],
            "maskedPaths": [],
            "resources": {"memory": {"limit": _bytes(container["resources"]["limits"]["memory"])}},
        },
    }


def _bytes(size: str) -> int:
    assert size.endswith("Mi")
    return int(size[:-2]) * memory.MEBIBYTE


def _bind(destination: str, source: Path, way: str) -> dict[str, Any]:
    options = ["rbind", way, "nosuid"]
    return {"destination": destination, "type": "bind", "source": str(source), "options": options}


def _volume(mount: dict[str, Any], pod: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the mount of a volume. A claim or an emptyDir belongs to root and the pod's group; a Secret's files have
    its mode."""
    volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
    place = folder / "volumes" / mount["name"]
    place.mkdir(parents=True)
    if "secret" in volume:
        made = {d["metadata"]["name"]: d for d in cluster_secrets.documents()}
        for name, text in made[volume["secret"]["secretName"]]["stringData"].items():
            (place / name).write_text(text)
            os.chown(place / name, 0, pod["securityContext"]["fsGroup"])
            (place / name).chmod(volume["secret"]["defaultMode"])
        return _bind(mount["mountPath"], place, "ro")
    os.chown(place, 0, pod["securityContext"]["fsGroup"])
    place.chmod(0o2775)
    return _bind(mount["mountPath"], place, "rw")
