"""A node without Kubernetes. It runs an overlay's pods with runc as a kubelet and containerd would.

Each container gets the image's files, its user, group and `fsGroup`, a read-only root, no capabilities and the
RuntimeDefault seccomp profile. It also gets limits by control groups (version 1), Secrets with their modes, and volumes
that the kubelet gives to the group at each mount. Probes start, restart and route. A deleted pod gets `preStop`,
SIGTERM and its grace period, while its successor starts. Differences from a cluster: names of Services are in
`/etc/hosts`, and nothing enforces network policies (tests/deploy/test_reach.py) or the limit of an `emptyDir`.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stack.embedded.manifests import contents

from drills.node.machine import (
    HERE,
    SERVICES,
    Network,
    binds,
    filled,
    image,
    own,
    run,
    seccomp,
)

Document = Mapping[str, Any]
_SIZES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
_HIDDEN = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")
_READ = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_LONGEST_PAUSE = 300.0
_TICK = 0.2
_KILLED = 137


class Container:
    """One container of a pod with its probes; `keep` restarts it until the pod ends."""

    def __init__(self, pod: "Pod", spec: Document) -> None:
        self.pod, self.spec = pod, spec
        self.name = f"{pod.name}-{spec['name']}"
        self.folder = pod.folder / str(spec["name"])
        self.log = pod.folder / f"{spec['name']}.log"
        self.ready = self.done = False
        self.restarts = 0
        self.killed_for: list[str] = []
        self._struck = False
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"{self.name}, killed for {self.killed_for}"

    def keep(self) -> None:
        pause = 0.0
        while not self.pod.ending.is_set():
            code = self._once()
            self._say(ready=False)
            if self.pod.once and code == 0:
                self.done = True
                return
            if self.pod.ending.wait(pause):
                return
            pause = min(max(10.0, pause * 2), _LONGEST_PAUSE)
            self.restarts += 1

    def kill(self, how: str = "KILL") -> None:
        """Send a signal to the container's first process, as the kernel or an operator would."""
        self._struck = True
        run("runc", "kill", self.name, how, check=False)

    def freeze(self, program: str) -> None:
        """Stop the container's processes that run this program."""
        for pid in json.loads(run("runc", "ps", "--format", "json", self.name)):
            if Path(f"/proc/{pid}/comm").read_text().strip() == program:
                os.kill(pid, signal.SIGSTOP)

    def stop(self) -> None:
        """Stop the container as a kubelet does: preStop, SIGTERM, and SIGKILL after the grace period."""
        until = time.monotonic() + self.pod.grace
        hook = self.spec.get("lifecycle", {}).get("preStop", {})
        if self._process is None or self._process.poll() is not None:
            return
        if "exec" in hook:
            run("runc", "exec", self.name, *hook["exec"]["command"], check=False)
        time.sleep(hook.get("sleep", {}).get("seconds", 0))
        self.kill("TERM")
        try:
            self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.killed_for.append("grace")
            self.kill()
            self._process.wait(30)

    def used(self) -> int:
        """Return the memory that the kubelet counts: used memory without files that were not read recently."""
        group = Path("/sys/fs/cgroup/memory/ruta-node") / self.name
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        usage = int((group / "memory.usage_in_bytes").read_text())
        return usage - int(stat["total_inactive_file"])

    def _once(self) -> int:
        self._prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/runc", "run", "--bundle", str(self.folder), self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._struck = False
        self._watch(self._process)
        code = self._process.wait()
        if code == _KILLED and not self._struck:
            self.killed_for.append("memory")
        run("runc", "delete", "--force", self.name, check=False)
        run("umount", "--lazy", str(self.folder / "root"), check=False)
        return code

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Probe until the container ends. It counts as started once its startup probe has succeeded."""
        began = time.monotonic()
        due, failed = dict.fromkeys(_PROBES, began), dict.fromkeys(_PROBES, 0)
        started = "startupProbe" not in self.spec
        while process.poll() is None:
            for kind in _PROBES:
                probe = self.spec.get(kind)
                if probe is None or time.monotonic() < due[kind] or self.pod.ending.is_set():
                    continue
                if started == (kind == "startupProbe"):
                    continue
                due[kind] = time.monotonic() + probe.get("periodSeconds", 10)
                held = self._probed(probe)
                failed[kind] = 0 if held else failed[kind] + 1
                too_often = failed[kind] >= probe.get("failureThreshold", 3)
                if kind == "startupProbe" and held:
                    started = True
                elif kind == "readinessProbe" and (held or too_often):
                    self._say(ready=held)
                elif kind != "readinessProbe" and too_often:
                    self.killed_for.append(kind)
                    self.stop()
            if started and "readinessProbe" not in self.spec:
                self._say(ready=True)
            time.sleep(_TICK)

    def _say(self, *, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self.pod.node.route()

    def _probed(self, probe: Document) -> bool:
        seconds = probe.get("timeoutSeconds", 1)
        try:
            if "exec" in probe:
                done = subprocess.run(
                    ["/usr/sbin/runc", "exec", self.name, *probe["exec"]["command"]],
                    timeout=seconds,
                    capture_output=True,
                    check=False,
                )
                return done.returncode == 0
            asked = probe.get("httpGet") or probe["tcpSocket"]
            address = self.pod.address, self.port(asked["port"])
            if "tcpSocket" in probe:
                socket.create_connection(address, seconds).close()
                return True
            connecting: http.client.HTTPConnection
            if asked.get("scheme") == "HTTPS":  # a kubelet checks no certificate
                trust = ssl._create_unverified_context()  # noqa: S323
                connecting = http.client.HTTPSConnection(*address, timeout=seconds, context=trust)
            else:
                connecting = http.client.HTTPConnection(*address, timeout=seconds)
            with closing(connecting) as connection:
                connection.request("GET", asked["path"])
                return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException, subprocess.TimeoutExpired):
            return False

    def port(self, name: str | int) -> int:
        if isinstance(name, int):
            return name
        return next(int(p["containerPort"]) for p in self.spec["ports"] if p["name"] == name)

    def _prepare(self) -> None:
        """Write the bundle: a new layer over the image's files, and the configuration."""
        made = image(self.spec["image"])
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("root", "upper", "work"):
            (self.folder / part).mkdir(parents=True)
        for place in (self.folder / "upper", self.folder / "root"):
            place.chmod(0o755)
        layers = (
            f"lowerdir={made.root},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        )
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.folder / "root"))
        (self.folder / "config.json").write_text(json.dumps(self._configuration()))

    def _configuration(self) -> dict[str, Any]:
        made, pod = image(self.spec["image"]), self.pod
        outside, inside = pod.spec["securityContext"], self.spec["securityContext"]
        limits, requests = self.spec["resources"]["limits"], self.spec["resources"]["requests"]
        volumes = [
            (
                mount["mountPath"],
                _part(pod.volumes[mount["name"]], mount.get("subPath", "")),
                mount.get("readOnly", False),
            )
            for mount in self.spec.get("volumeMounts", [])
        ]
        assert inside["capabilities"] == {"drop": ["ALL"]}, self.name
        return {
            "ociVersion": "1.0.2",
            "hostname": pod.name,
            "process": {
                "user": {
                    "uid": outside["runAsUser"],
                    "gid": outside["runAsGroup"],
                    "additionalGids": [outside["fsGroup"]],
                },
                "args": [*(self.spec.get("command") or made.program), *self.spec.get("args", [])],
                "cwd": made.folder,
                "env": [*made.environment, *(f"{k}={v}" for k, v in self._environment().items())],
                "capabilities": {},
                "noNewPrivileges": not inside["allowPrivilegeEscalation"],
            },
            "root": {"path": "root", "readonly": inside["readOnlyRootFilesystem"]},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                {
                    "destination": "/dev/pts",
                    "type": "devpts",
                    "source": "devpts",
                    "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
                },
                {
                    "destination": "/dev/shm",  # noqa: S108 - a mount, as containerd makes it
                    "type": "tmpfs",
                    "source": "shm",
                    "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
                },
                {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
                {
                    "destination": "/sys/fs/cgroup",
                    "type": "cgroup",
                    "source": "cgroup",
                    "options": ["ro"],
                },
                *binds([("/etc/hosts", pod.hosts, False), *volumes]),
            ],
            "linux": {
                "namespaces": [
                    *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                    {"type": "network", "path": f"/run/netns/{pod.name}"},
                ],
                "cgroupsPath": f"/ruta-node/{self.name}",
                "resources": {
                    "memory": {"limit": _bytes(limits["memory"])},
                    "cpu": {
                        "shares": max(2, int(_cores(requests["cpu"]) * 1024)),
                        "quota": int(_cores(limits["cpu"]) * 100_000),
                        "period": 100_000,
                    },
                },
                "seccomp": seccomp(),
                "maskedPaths": list(_HIDDEN),
                "readonlyPaths": list(_READ),
            },
        }

    def _environment(self) -> dict[str, str]:
        known = self.pod.node.documents
        found: dict[str, str] = {}
        for source in self.spec.get("envFrom", []):
            kind, named = (
                ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
            )
            found |= contents(known, kind, source[named]["name"])
        for entry in self.spec.get("env", []):
            if "value" in entry:
                found[entry["name"]] = re.sub(
                    r"\$\((\w+)\)", lambda name: found[name[1]], entry["value"]
                )
            elif "fieldRef" in entry["valueFrom"]:
                assert entry["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
                found[entry["name"]] = self.pod.identity
            else:
                asked = entry["valueFrom"]["secretKeyRef"]
                found[entry["name"]] = contents(known, "Secret", asked["name"])[asked["key"]]
        return found


class Pod:
    def __init__(self, node: "Node", owner: Document, number: int, identity: str = "") -> None:
        self.node, self.owner = node, owner
        template = owner["spec"]["template"]
        self.spec, self.labels = template["spec"], template["metadata"].get("labels", {})
        self.name = f"{owner['metadata']['name']}-{number}"
        self.identity = identity or self.name
        """The name that a StatefulSet gives again to each successor."""
        self.once = owner["kind"] == "Job"
        self.grace = float(self.spec.get("terminationGracePeriodSeconds", 30))
        self.ending = threading.Event()
        self.folder = node.folder / self.name
        self.folder.mkdir()
        self.address = node.network.add(self.name)
        self.hosts = self.folder / "hosts"
        self.tell_names()
        self.hosts.chmod(0o644)
        claims = [
            {
                "name": each["metadata"]["name"],
                "persistentVolumeClaim": {
                    "claimName": f"{each['metadata']['name']}-{self.identity}"
                },
            }
            for each in owner["spec"].get("volumeClaimTemplates", [])
        ]
        volumes = [*self.spec.get("volumes", []), *claims]
        self.volumes = {v["name"]: self._volume(v) for v in volumes}
        self.containers = [Container(self, spec) for spec in self.spec["containers"]]
        self._threads = [threading.Thread(target=c.keep, daemon=True) for c in self.containers]
        for thread in self._threads:
            thread.start()

    @property
    def ready(self) -> bool:
        if self.once:
            return all(container.done for container in self.containers)
        return not self.ending.is_set() and all(c.ready for c in self.containers)

    def tell_names(self) -> None:
        """Write the names that the cluster's name service would know now."""
        aliases = [
            f"{a['ip']} {' '.join(a['hostnames'])}" for a in self.spec.get("hostAliases", [])
        ]
        own = ["127.0.0.1 localhost", f"{self.address} {self.name}"]
        self.hosts.write_text("\n".join([*own, *aliases, *self.node.names(), ""]))

    def end(self) -> None:
        """Delete the pod. It gets no new requests, and its containers share the grace period."""
        self.ending.set()
        self.node.route()
        stops = [threading.Thread(target=container.stop) for container in self.containers]
        for thread in (*stops, *self._threads):
            if thread in stops:
                thread.start()
        for thread in (*stops, *self._threads):
            thread.join()
        self.node.network.remove(self.name, self.address)

    def _volume(self, volume: Document) -> Path:
        group = self.spec["securityContext"]["fsGroup"]
        place = self.folder / "volumes" / str(volume["name"])
        known = self.node.documents
        if "secret" in volume:
            source = volume["secret"]
            held = contents(known, "Secret", source["secretName"])
            filled(place, held, source.get("defaultMode", 0o644), group)
        elif "configMap" in volume:
            source = volume["configMap"]
            held = contents(known, "ConfigMap", source["name"])
            filled(place, held, source.get("defaultMode", 0o644), group)
        else:
            if "persistentVolumeClaim" in volume:
                place = self.node.folder / "claims" / volume["persistentVolumeClaim"]["claimName"]
            if not place.exists():
                place.mkdir(parents=True)
                place.chmod(0o755 if "persistentVolumeClaim" in volume else 0o777)
            own(place, group)
        return place


class Node:
    """A node. `apply` starts an overlay's Jobs and Deployments; the `address` of a Service is reachable from this
    machine."""

    def __init__(
        self,
        folder: Path,
        documents: list[Document],
        beyond: Mapping[tuple[str, int], int] = MappingProxyType({}),
    ) -> None:
        """`beyond` maps names and ports outside the overlay to ports of this machine."""
        self.folder, self.documents, self._beyond = folder, documents, beyond
        self.network = Network()
        self.pods: dict[str, Pod] = {}
        self._ended: list[Pod] = []
        self._made = 0
        self._lock = threading.Lock()
        self._services = [
            d for d in documents if d["kind"] == "Service" and d["spec"].get("clusterIP") != "None"
        ]
        served = [service["metadata"]["name"] for service in self._services]
        outside = dict.fromkeys(name for name, _ in beyond)
        self.addresses = {
            name: f"{SERVICES}.{number}" for number, name in enumerate((*served, *outside), 2)
        }

    def names(self) -> list[str]:
        """Return the lines of `/etc/hosts` for Services and for the pods of StatefulSets."""
        return [
            *(f"{address} {name}" for name, address in self.addresses.items()),
            *(
                f"{pod.address} {pod.identity}.{pod.owner['spec']['serviceName']}"
                for pod in self.pods.values()
                if pod.owner["kind"] == "StatefulSet"
            ),
        ]

    def apply(self) -> None:
        for document in self.documents:
            if document["kind"] in {"Deployment", "Job"}:
                self.start(document)
            elif document["kind"] == "StatefulSet":
                for number in range(document["spec"]["replicas"]):
                    self.start(document, f"{document['metadata']['name']}-{number}")

    def scale_to_none(self) -> None:
        """End the pods of all Deployments at once, in no particular order."""
        served = [name for name, pod in self.pods.items() if not pod.once]
        ends = [threading.Thread(target=self.pods[name].end) for name in served]
        for thread in ends:
            thread.start()
        for thread in ends:
            thread.join()

    def delete(self, name: str) -> None:
        """Delete a Deployment's pod; its successor starts at the same time."""
        former = self.pods[name]
        if former.owner["kind"] == "StatefulSet":
            former.end()
            self.start(former.owner, name)
            return
        self.start(former.owner)
        former.end()

    def drain(self) -> None:
        """End all pods at once, then start their successors, as when the node's kernel is replaced."""
        owners = [pod.owner for pod in self.pods.values() if not pod.once]
        self.scale_to_none()
        for owner in owners:
            self.start(owner)

    def roll(self, name: str) -> None:
        """Replace the pod according to the Deployment's strategy."""
        former = self.pods[name]
        if former.owner["spec"].get("strategy", {}).get("type") == "Recreate":
            former.end()
            self.start(former.owner)
            return
        self.start(former.owner)
        until(lambda: self.pods[name].ready, 120, f"the new {name} is ready")
        former.end()

    def start(self, owner: Document, identity: str = "") -> None:
        name = identity or str(owner["metadata"]["name"])
        self._made += 1
        if name in self.pods:
            self._ended.append(self.pods[name])
        self.pods[name] = Pod(self, owner, self._made, identity)
        if identity:
            for pod in self.pods.values():
                pod.tell_names()

    @property
    def all_pods(self) -> list[Pod]:
        return [*self._ended, *self.pods.values()]

    def route(self) -> None:
        with self._lock:
            ends: dict[tuple[str, int], list[tuple[str, int]]] = {}
            for service in self._services:
                chosen = [
                    pod
                    for pod in self.all_pods
                    if pod.ready and service["spec"]["selector"].items() <= pod.labels.items()
                ]
                for port in service["spec"]["ports"]:
                    address = self.addresses[service["metadata"]["name"]]
                    ends[address, port["port"]] = [
                        (pod.address, pod.containers[0].port(port["targetPort"])) for pod in chosen
                    ]
            for (name, port), here in self._beyond.items():
                ends[self.addresses[name], port] = [(HERE, here)]
            self.network.route(ends)

    def close(self) -> None:
        ends = [threading.Thread(target=pod.end) for pod in self.pods.values()]
        for thread in ends:
            thread.start()
        for thread in ends:
            thread.join()
        self.network.close()


def until(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until the condition is true; return the seconds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(_TICK)
    return time.monotonic() - began


def _part(volume: Path, name: str) -> Path:
    """Return a part of a volume. A kubelet creates a missing one like the volume's root."""
    place = volume / name
    if not place.exists():
        place.mkdir()
        there = volume.stat()
        os.chown(place, -1, there.st_gid)
        place.chmod(there.st_mode & 0o7777)
    return place


def _bytes(size: str) -> int:
    return int(size[:-2]) * _SIZES[size[-2:]]


def _cores(amount: str) -> float:
    return float(amount[:-1]) / 1000 if str(amount).endswith("m") else float(amount)
