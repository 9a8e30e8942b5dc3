"""The tools that run pods on this machine: runc, podman's image store, network namespaces and packet filters.

They need root and Debian's iproute2, iptables, podman and runc.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.leaving_out import left_out

PODS, SERVICES = "10.131.77", "10.131.78"
"""Addresses that only this machine's own namespaces have."""
HERE = f"{PODS}.1"
"""The machine itself, as pods see it."""
_TOOLS = ("ip", "iptables-restore", "podman", "runc")
_PATH = f"{os.environ['PATH']}:/usr/sbin"
_SECCOMP = Path("/usr/share/containers/seccomp.json")
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def need_tools() -> None:
    missing = [tool for tool in _TOOLS if shutil.which(tool, path=_PATH) is None]
    if missing or os.geteuid() != 0:
        left_out(
            f"runs containers as root (Debian: podman runc iptables iproute2; missing {missing})"
        )


def run(*command: str, check: bool = True, given: str | None = None) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": _PATH, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, f"{command}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Image:
    root: Path
    program: tuple[str, ...]
    environment: tuple[str, ...]
    folder: str


@cache
def image(name: str) -> Image:
    """Return an image from podman's store, where `deploy/run-small build` puts it."""
    if not run("podman", "images", "--quiet", name, check=False).strip():
        left_out(f"there is no image {name}: run deploy/run-small build")
    (known,) = json.loads(run("podman", "image", "inspect", name))
    made = known["Config"]
    return Image(
        root=Path(run("podman", "image", "mount", name).strip()),
        program=tuple(made["Entrypoint"]),
        environment=tuple(made["Env"]),
        folder=made["WorkingDir"],
    )


@cache
def seccomp() -> Mapping[str, Any]:
    """Return the RuntimeDefault profile for a container without capabilities, in runc's format."""
    known = json.loads(_SECCOMP.read_text())
    rules = [
        {
            key: rule[key]
            for key in ("names", "action", "args", "errnoRet")
            if rule.get(key) not in (None, [])
        }
        for rule in known["syscalls"]
        if not rule.get("includes", {}).get("caps")
        and "amd64" in rule.get("includes", {}).get("arches", ["amd64"])
    ]
    return {
        "defaultAction": known["defaultAction"],
        "defaultErrnoRet": known["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }


class Network:
    """Gives each pod a namespace and an address. A Service's address leads to its ready pods, or refuses
    connections."""

    def __init__(self) -> None:
        self._last = 1
        self._forward = _FORWARD.read_text()
        _FORWARD.write_text("1")
        # Packets for a deleted pod must not leave this machine.
        run("ip", "route", "replace", "unreachable", f"{PODS}.0/24")
        run("ip", "route", "replace", f"{SERVICES}.0/24", "dev", "lo")
        run("ip", "addr", "replace", f"{HERE}/32", "dev", "lo")
        self.route({})

    def add(self, name: str) -> str:
        """Create a pod's namespace and return its address."""
        self._last += 1
        address, here = f"{PODS}.{self._last}", f"ruta{self._last}"
        inside = ("ip", "-n", name)
        # An interrupted drill may have left these behind.
        run("ip", "link", "del", here, check=False)
        run("ip", "netns", "del", name, check=False)
        run("ip", "netns", "add", name)
        run("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", here, "up")
        run("ip", "addr", "add", f"{PODS}.1/32", "dev", here)
        run("ip", "route", "add", address, "dev", here)
        run(*inside, "addr", "add", f"{address}/32", "dev", "eth0")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", f"{PODS}.1", "dev", "eth0")
        run(*inside, "route", "add", "default", "via", f"{PODS}.1")
        return address

    def remove(self, name: str, address: str) -> None:
        # Delete the link here, because the kernel keeps a namespace while one of its connections is closing.
        run("ip", "link", "del", f"ruta{address.rpartition('.')[2]}", check=False)
        run("ip", "netns", "del", name, check=False)

    def route(self, ends: Mapping[tuple[str, int], Sequence[tuple[str, int]]]) -> None:
        """Route each Service's address and port to its pods' addresses and ports."""
        nat = ["*nat", ":RUTA-NODE - [0:0]", "-F RUTA-NODE"]
        for (address, port), pods in ends.items():
            for number, (pod, its) in enumerate(pods):
                share = f"-m statistic --mode random --probability {1 / (len(pods) - number):.5f}"
                nat.append(
                    f"-A RUTA-NODE -d {address} -p tcp --dport {port} {share} -j DNAT --to {pod}:{its}"
                )
        run("iptables-restore", "--noflush", given="\n".join([*nat, "COMMIT", ""]))
        _jump("nat", "PREROUTING", "-j RUTA-NODE")
        _jump("nat", "OUTPUT", "-j RUTA-NODE")
        for chain in ("FORWARD", "OUTPUT"):
            _jump("filter", chain, f"-d {SERVICES}.0/24 -j REJECT")

    def close(self) -> None:
        self.route({})
        for chain in ("PREROUTING", "OUTPUT"):
            run("iptables", "-t", "nat", "-D", chain, "-j", "RUTA-NODE", check=False)
        run("iptables", "-t", "nat", "-X", "RUTA-NODE", check=False)
        for chain in ("FORWARD", "OUTPUT"):
            run("iptables", "-D", chain, "-d", f"{SERVICES}.0/24", "-j", "REJECT", check=False)
        run("ip", "route", "del", "unreachable", f"{PODS}.0/24", check=False)
        run("ip", "route", "del", f"{SERVICES}.0/24", "dev", "lo", check=False)
        run("ip", "addr", "del", f"{HERE}/32", "dev", "lo", check=False)
        _FORWARD.write_text(self._forward)


def _jump(table: str, chain: str, rule: str) -> None:
    words = ("iptables", "-t", table)
    there = subprocess.run(
        [*words, "-C", chain, *rule.split()],
        env={**os.environ, "PATH": _PATH},
        capture_output=True,
        check=False,
    )
    if there.returncode != 0:
        run(*words, "-A", chain, *rule.split())


def own(place: Path, group: int) -> None:
    """Give a volume to the pod's group, as a kubelet does at each mount (SetVolumeOwnership)."""
    for each in (place, *place.rglob("*")):
        if each.is_symlink():
            os.chown(each, -1, group, follow_symlinks=False)
            continue
        os.chown(each, -1, group)
        mode = each.stat().st_mode & 0o7777
        each.chmod(mode | (0o2770 if each.is_dir() else 0o660))


def filled(place: Path, content: Mapping[str, str], mode: int, group: int) -> None:
    """Write a Secret's or ConfigMap's files, readable by the pod's group."""
    place.mkdir(parents=True)
    place.chmod(0o755)
    for name, text in content.items():
        (place / name).write_text(text)
        os.chown(place / name, 0, group)
        (place / name).chmod(mode | 0o440)


def binds(places: Iterable[tuple[str, Path, bool]]) -> list[dict[str, Any]]:
    return [
        {
            "destination": inside,
            "type": "bind",
            "source": str(outside),
            "options": ["rbind", "ro" if read_only else "rw", "nosuid", "nodev"],
        }
        for inside, outside, read_only in places
    ]
