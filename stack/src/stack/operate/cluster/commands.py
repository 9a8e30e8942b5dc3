"""Operator commands on a cluster, through `kubectl` with the rights of the signed-in user.

Secrets stay in the cluster. A command runs in a pod of its service. If it needs Secrets that no pod has (the tables'
owner, the operator of the event bus), it runs in a separate pod, which references them.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import httpx
from common.ids import new_id

from stack.embedded.arrows import OPERATOR
from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.operate.cluster.troubles import KINDS
from stack.texts import LANGUAGE_VARIABLE, language_of

Document = Mapping[str, Any]
_CONTAINER = "app"
# The output of a separate pod remains on the node, as the pod's log.
_PRINT_KEYS = frozenset({"key-ring-add", "key-ring-activate", "key-ring-drop"})
_OPERATOR = {
    "RUTA_NATS_USER": {"name": "RUTA_NATS_USER", "value": OPERATOR},
    "RUTA_NATS_PASSWORD": {
        "name": "RUTA_NATS_PASSWORD",
        "valueFrom": {
            "secretKeyRef": {"name": "ruta-nats", "key": f"NATS_{OPERATOR.upper()}_PASSWORD"}
        },
    },
}
_OURS = "ruta.tier in (service,worker,server)"
_ASKED = ("service", "worker")
_WORKER = "worker"
_PACKAGES = {**SERVICES, "issuer": "gateway"}
# Parts of a server's container that a command's pod must not have.
_OF_A_SERVER = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "ports")
# Every service's image has Python, but none has curl. The program verifies its own process against the authority, but
# does not check the name.
_ASK = """\
import http.client, os, ssl, sys
at = {"host": "127.0.0.1", "port": int(os.environ.get("RUTA_PORT", "8000")), "timeout": 10}
if "RUTA_CERTIFICATE_FILE" in os.environ:
    known = ssl.create_default_context(cafile=os.environ["RUTA_TRUST_FILE"])
    known.check_hostname = False
    asked = http.client.HTTPSConnection(**at, context=known)
else:
    asked = http.client.HTTPConnection(**at)
asked.request("GET", sys.argv[1])
answer = asked.getresponse()
sys.stdout.write(f"{answer.status}\\n{answer.read().decode()}")
"""


_DISKS = """\
import shutil, sys
for path in sys.argv[1:]:
    size = shutil.disk_usage(path)
    print(size.free, size.total, path)
"""


_TEXT = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
print(file.read_text() if file.exists() else "")
"""


@dataclass(frozen=True)
class ClusterPod:
    """A pod of Ruta with a running container. `volumes` maps the mount paths of its claims to the claim names."""

    name: str
    service: str
    tier: str
    node: str
    volumes: Mapping[str, str]

    @property
    def answers(self) -> bool:
        return self.tier in _ASKED


class ClusterCommands:
    """The counterpart of ServiceCommands for a cluster namespace."""

    def __init__(self, namespace: str) -> None:
        program = shutil.which("kubectl")
        if program is None:
            raise StackError(
                "kubectl is not installed here (Debian: kubectl); it is needed to reach the cluster"
            )
        self.namespace = namespace
        self._kubectl = (program, "--namespace", namespace)

    def run(
        self,
        name: str,
        *verb: str,
        owner: bool = False,
        operator: bool = False,
        own_pod: bool = False,
        output: IO[bytes] | None = None,
    ) -> int:
        """Run a command in this terminal and return its exit code. `output` redirects its output."""
        if name not in _PACKAGES:
            raise StackError(
                "there is no service {name!r}; the services are: {known}",
                name=name,
                known=", ".join(_PACKAGES),
            )
        if own_pod and _PRINT_KEYS.intersection(verb):
            raise StackError(
                "{verb} prints keys, and the log of a separate pod would stay on the node",
                verb=verb[0],
            )
        deployment = self._deployment(name)
        command = (_PACKAGES[name], *verb)
        if owner or operator or own_pod:
            return self._in_own_pod(deployment, name, command, owner=owner, operator=operator)
        target = f"deployment/{deployment['metadata']['name']}"
        return subprocess.run(
            [
                *(*self._kubectl, "exec", target, "-c", _CONTAINER, "--"),
                *(
                    "env",
                    f"{LANGUAGE_VARIABLE}={language_of(os.environ)}",
                    "python",
                    "-m",
                    *command,
                ),
            ],
            check=False,
            stdout=output,
        ).returncode

    def state(self) -> list[Document]:
        """Return all objects in the namespace that Ruta depends on."""
        found: list[Document] = self._read("get", ",".join(KINDS), "-o", "json")["items"]
        if not any(_tier(document) in _ASKED for document in found):
            raise StackError(
                "the namespace {namespace} has nothing of Ruta: is it the right one?",
                namespace=self.namespace,
            )
        return found

    def disks(self, pod: ClusterPod) -> Iterator[tuple[str, int, int]]:
        """Yield each claim of the pod with its free and total bytes. Yield nothing if the image has no Python."""
        for line in self._from_inside(pod, _DISKS, *pod.volumes).splitlines():
            free, whole, path = line.split(" ", 2)
            yield pod.volumes[path], int(free), int(whole)

    def text(self, pod: ClusterPod, path: str) -> str:
        """Return the content of a file in the pod; "" if there is none."""
        return self._from_inside(pod, _TEXT, path).strip()

    def ask(self, pod: ClusterPod, path: str) -> httpx.Response | None:
        """Query the pod's process from inside the pod. Return None if it does not respond."""
        status, _, body = self._from_inside(pod, _ASK, path).partition("\n")
        return httpx.Response(int(status), text=body) if status.isdigit() else None

    def _from_inside(self, pod: ClusterPod, program: str, *given: str) -> str:
        """Return the output of a Python program in the pod, or "" if it fails."""
        inside = ("python", "-c", program, *given)
        done = subprocess.run(
            [*self._kubectl, "exec", pod.name, "-c", _CONTAINER, "--", *inside],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode == 0 else ""

    def logs(self, process: str | None, lines: int, *, follow: bool) -> int:
        chosen = f"app.kubernetes.io/name={process}" if process else _OURS
        options = ["--follow", "--max-log-requests=50"] if follow else []
        return subprocess.run(
            [
                *(*self._kubectl, "logs", "-l", chosen, "-c", _CONTAINER),
                *("--prefix", f"--tail={lines}", *options),
            ],
            check=False,
        ).returncode

    @cached_property
    def _deployments(self) -> list[Document]:
        found: list[Document] = self._read("get", "deployments", "-l", _OURS, "-o", "json")["items"]
        if not found:
            raise StackError(
                "the namespace {namespace} has nothing of Ruta: is it the right one?",
                namespace=self.namespace,
            )
        return found

    def _deployment(self, name: str) -> Document:
        """Return the service's Deployment. Prefer the worker's, which has the evidence volume."""
        of_service = [
            document
            for document in self._deployments
            if document["spec"]["template"]["metadata"]["labels"]["ruta.service"] == name
        ]
        if not of_service:
            raise StackError(
                "the namespace {namespace} has no {name}", name=name, namespace=self.namespace
            )
        return max(of_service, key=lambda document: _tier(document) == _WORKER)

    def _in_own_pod(
        self,
        deployment: Document,
        name: str,
        command: Sequence[str],
        *,
        owner: bool,
        operator: bool,
    ) -> int:
        template = deployment["spec"]["template"]
        container = dict(template["spec"]["containers"][0])
        for part in _OF_A_SERVER:
            container.pop(part, None)
        container["args"] = [*command]
        if owner:
            secret = {"secretRef": {"name": f"ruta-{name}-owner"}}
            container["envFrom"] = [*container.get("envFrom", []), secret]
        own = {
            LANGUAGE_VARIABLE: {"name": LANGUAGE_VARIABLE, "value": language_of(os.environ)},
            **(_OPERATOR if operator else {}),
        }
        others = [each for each in container.get("env", []) if each["name"] not in own]
        container["env"] = [*others, *own.values()]
        spec = {**template["spec"], "containers": [container], "restartPolicy": "Never"}
        spec.pop("topologySpreadConstraints", None)
        # Policies match the pod by its service label. No Service or Deployment selects it.
        labels = {"ruta.service": name, "ruta.job": "command"}
        made = {"apiVersion": "v1", "metadata": {"labels": labels}, "spec": spec}
        return subprocess.run(
            [
                *(*self._kubectl, "run", f"ruta-command-{str(new_id())[-12:]}"),
                *("--image", container["image"], "--restart=Never", "--attach", "--rm", "--quiet"),
                *("--pod-running-timeout=5m", "--overrides", json.dumps(made)),
            ],
            check=False,
        ).returncode

    def _read(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [*self._kubectl, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StackError.passed_on(f"kubectl: {done.stderr.strip()[-300:]}")
        answered: dict[str, Any] = json.loads(done.stdout)
        return answered


def _tier(document: Document) -> str:
    return str(document["metadata"].get("labels", {}).get("ruta.tier", ""))


def running(documents: Iterable[Document]) -> list[ClusterPod]:
    """Return the pods of Ruta with a running `app` container, ready or not."""
    found = (_pod(d) for d in documents if d["kind"] == "Pod" and _tier(d) and _runs(d))
    return sorted(found, key=lambda pod: pod.name)


def _runs(document: Document) -> bool:
    states = document.get("status", {}).get("containerStatuses", [])
    return any(each["name"] == _CONTAINER and "running" in each["state"] for each in states)


def _pod(document: Document) -> ClusterPod:
    labels, spec = document["metadata"]["labels"], document["spec"]
    (own,) = [each for each in spec["containers"] if each["name"] == _CONTAINER]
    claims = {
        volume["name"]: str(volume["persistentVolumeClaim"]["claimName"])
        for volume in spec.get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    return ClusterPod(
        name=document["metadata"]["name"],
        service=labels["ruta.service"],
        tier=labels["ruta.tier"],
        node=spec.get("nodeName", "?"),
        volumes={
            mount["mountPath"]: claims[mount["name"]]
            for mount in own.get("volumeMounts", [])
            if mount["name"] in claims
        },
    )
