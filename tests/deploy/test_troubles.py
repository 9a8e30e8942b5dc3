"""`./ruta doctor --kube` names each object that keeps a deployment from running, with the remedy.

Real kubectl reads `small` from an API server (tests/support/kube_api.py). Tests of single faults read the same
documents without kubectl.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from common import clock
from common.clocks import REMEDY
from stack.operate.cluster.troubles import troubles

from tests.support.kube_api import Document, KubeApi
from tests.support.leaving_out import left_out
from tests.support.rendered_world import documents_of

_READY = '200\n{"status": "ok", "parts": {"database": "ok"}}'
_KINDS = ("CronJob", "Deployment", "Service", "NetworkPolicy", "PersistentVolumeClaim")
_GIB = 1 << 30
_MISSING_LISTS = "/var/lib/ruta/restored/missing-lists.json"


class Namespace:
    """`small` with all pods ready; each test then breaks one thing."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.answers: dict[tuple[str, str], str] = {}
        for document in deepcopy(documents_of("small")):
            name = document["metadata"]["name"]
            if document["kind"] in _KINDS:
                self.documents.append(document)
            if document["kind"] == "Deployment":
                document["status"] = {"availableReplicas": 1}
                self.documents.append(_pod_of(document))
                self.answers[f"{name}-0", "/readyz"] = _READY
                self.answers[f"{name}-0", "/metrics"] = "200\nruta_dead_letters 0\n"
            if document["kind"] == "PersistentVolumeClaim":
                document["status"] = {"phase": "Bound"}
            if document["kind"] == "CronJob":
                document["status"] = {"lastSuccessfulTime": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"}

    def __getitem__(self, name: str) -> Document:
        """Return the pod of a Deployment, or another object by its kind and name."""
        kind, _, own = name.rpartition(" ")
        wanted = (kind, own) if kind else ("Pod", f"{own}-0")
        return next(d for d in self.documents if (d["kind"], d["metadata"]["name"]) == wanted)

    def waits(self, name: str, reason: str, message: str, last: Document | None = None) -> None:
        (app, *_) = self[name]["status"]["containerStatuses"]
        app |= {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
        if last is not None:
            app |= {"restartCount": 4, "lastState": {"terminated": last}}

    def warned(self, kind: str, name: str, reason: str, message: str) -> None:
        self.documents.append(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.17", "namespace": "ruta"},
                "involvedObject": {"kind": kind, "name": name, "namespace": "ruta"},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "lastTimestamp": "2026-12-01T10:00:00Z",
            }
        )

    def seen(self) -> dict[str, tuple[str, str]]:
        now = clock.now()
        found = troubles(self.documents, "ruta", now)
        return {each.what: (each.found, each.advice) for each in found}


def _pod_of(deployment: Document) -> Document:
    template = deepcopy(deployment["spec"]["template"])
    name = deployment["metadata"]["name"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": f"{name}-0", "namespace": "ruta"},
        "spec": {**template["spec"], "nodeName": "maracaibo"},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": "2026-12-01T10:00:00Z"}},
                }
                for container in template["spec"]["containers"]
            ],
        },
    }


@pytest.fixture
def namespace() -> Namespace:
    return Namespace()


Broken = Callable[[Namespace], object]


def _without_image(there: Namespace) -> None:
    there.waits("gateway", "ImagePullBackOff", 'Back-off pulling image "localhost/ruta/gateway"')


def _crashes(name: str, code: int, message: str, reason: str = "Error") -> Broken:
    last = {"exitCode": code, "reason": reason, "message": message}
    return lambda there: there.waits(name, "CrashLoopBackOff", "back-off 40s restarting", last)


def _failed_migration(there: Namespace) -> None:
    job = next(deepcopy(d) for d in documents_of("small") if d["kind"] == "Job")
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    message = "Job has reached the specified backoff limit"
    there.documents.append({**job, "status": {"conditions": [{**failed, "message": message}]}})


def _without_key(there: Namespace) -> None:
    message = "couldn't find key NATS_ROUTE_PASSWORD in Secret ruta/ruta-nats"
    there.waits("nats", "CreateContainerConfigError", message)


def _without_file_of_secret(there: Namespace) -> None:
    there.waits("postgres", "ContainerCreating", "")
    said = 'MountVolume.SetUp failed for volume "passwords" : references non-existent secret key: superuser'
    there.warned("Pod", "postgres-0", "FailedMount", said)


def _without_secret(there: Namespace) -> None:
    there.waits("referrals", "ContainerCreating", "")
    said = 'MountVolume.SetUp failed for volume "key-encryption-keys" : secret "ruta-key-encryption-keys" not found'
    there.warned("Pod", "referrals-0", "FailedMount", said)


def _half_applied(there: Namespace) -> None:
    gone = {("Service", "reporting"), ("Pod", "console-0"), ("Deployment", "console"), ("NetworkPolicy", "deny-all")}  # fmt: skip
    there.documents[:] = [
        d for d in there.documents if (d["kind"], d["metadata"]["name"]) not in gone
    ]


def _half_upgraded(there: Namespace) -> None:
    (app, *_) = there["Deployment gateway"]["spec"]["template"]["spec"]["containers"]
    app["image"] = "localhost/ruta/gateway:0.2.0"


def _evicted(there: Namespace) -> None:
    pod = there["reporting"]
    message = 'Usage of EmptyDir volume "tmp" exceeds the limit "1Gi".'
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": message}


def _without_class(there: Namespace) -> None:
    there["PersistentVolumeClaim nats-data"]["status"] = {"phase": "Pending"}
    said = 'storageclass.storage.k8s.io "fast" not found'
    there.warned("PersistentVolumeClaim", "nats-data", "ProvisioningFailed", said)


def _no_room_for_pod(there: Namespace) -> None:
    there["directory"]["status"] = {"phase": "Pending"}
    said = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."
    there.warned("Pod", "directory-0", "FailedScheduling", said)


def _without_backups(there: Namespace) -> None:
    backup = there["CronJob backup"]
    backup["status"] = {}
    backup["metadata"]["creationTimestamp"] = "2026-01-01T10:00:00Z"


def _old_backup(there: Namespace) -> None:
    there["CronJob backup"]["status"] = {"lastSuccessfulTime": "2026-01-01T06:20:00Z"}


def _suspended(there: Namespace) -> None:
    there["CronJob backup"]["spec"]["suspend"] = True


def _refused_by_policy(there: Namespace) -> None:
    message = 'pods "issuer-7" is forbidden: violates PodSecurity "restricted:latest"'
    refused = [{"type": "ReplicaFailure", "status": "True", "message": message}]
    there["Deployment issuer"]["status"] = {"conditions": refused}


@pytest.mark.parametrize(
    ("breaks", "what", "found", "advice"),
    [
        (_without_image, "pod gateway-0", "localhost/ruta/gateway:0.1.0 is not there", "bring it to node maracaibo"),
        (_failed_migration, "job directory-migrate", "BackoffLimitExceeded", "kubectl delete job directory-migrate -n ruta"),
        (_crashes("console", 1, "Traceback\nKeyError: 'x'\n"), "pod console-0", "exit 1: KeyError: 'x'", "kubectl logs console-0 -c app --previous -n ruta"),
        (_crashes("nats", 1, "ruta: RUTA is missing (Secret ruta-nats)"), "pod nats-0", "Secret ruta-nats", "--previous"),
        (_crashes("postgres", 137, "", "OOMKilled"), "pod postgres-0", "with OOMKilled", "raise the memory limit of postgres"),
        (_crashes("referrals", 78, "ruta: RUTA_DATABASE_URL is missing"), "pod referrals-0", "exit 78: ruta: RUTA_DATABASE_URL is missing", "ruta-referrals"),
        (_crashes("postgres", 1, "FATAL: could not write: No space left on device"), "pod postgres-0", "No space left", "free space"),
        (_without_key, "pod nats-0", "couldn't find key NATS_ROUTE_PASSWORD in Secret ruta/ruta-nats", "ruta-nats"),
        (_without_file_of_secret, "pod postgres-0", "non-existent secret key: superuser", "ruta-postgres"),
        (_without_secret, "pod referrals-0", 'secret "ruta-key-encryption-keys" not found', "ruta-key-encryption-keys"),
        (_half_applied, "Service reporting", "it is missing", "kubectl apply -k"),
        (_half_applied, "Deployment console", "it is missing", "kubectl apply -k"),
        (_half_applied, "NetworkPolicy deny-all", "it is missing", "kubectl apply -k"),
        (_half_upgraded, "releases", "0.2.0: gateway", "kubectl apply -k"),
        (_evicted, "pod reporting-0", 'EmptyDir volume "tmp" exceeds the limit', "free space"),
        (_without_class, "volume nats-data", '"fast" not found', "kubectl get storageclass"),
        (_no_room_for_pod, "pod directory-0", "disk-pressure", "free space"),
        (_without_backups, "scheduled job backup", "no success in", "kubectl create job --from=cronjob/backup backup-now -n ruta"),
        (_old_backup, "scheduled job backup", "the last success was", "kubectl logs job/backup-now -n ruta"),
        (_suspended, "scheduled job backup", "it is suspended", "kubectl patch cronjob backup -n ruta"),
        (_refused_by_policy, "pods of issuer", "violates PodSecurity", "kubectl describe deployment issuer -n ruta"),
    ],
)  # fmt: skip
def test_the_object_and_the_remedy_are_named(
    namespace: Namespace, breaks: Broken, what: str, found: str, advice: str
) -> None:
    breaks(namespace)
    wrong = namespace.seen()
    assert found in wrong[what][0]
    assert advice in wrong[what][1]
    assert breaks is _half_applied or len(wrong) == 1, wrong


class Doctor:
    """`./ruta doctor --kube` with real kubectl."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    def examines(self, namespace: Namespace, language: str = "en") -> dict[str, tuple[str, str]]:
        """Return the findings: each object, its problem, and the remedy."""
        self._api.documents, self._api.answers = namespace.documents, namespace.answers
        done = subprocess.run(
            [sys.executable, "-m", "stack", "doctor", "--kube", "ruta"],
            env={**os.environ, **self._api.environment, "RUTA_LANGUAGE": language},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        rows = [
            [cell.strip() for cell in line.split("│")[1:4]] for line in done.stdout.splitlines()
        ]
        wrong = {r[0]: (r[1], r[2]) for r in rows if len(r) == 3 and r[2] != "ok"}
        assert done.returncode == bool(wrong)
        return wrong


@pytest.fixture
def doctor(tmp_path: Path) -> Iterator[Doctor]:
    if shutil.which("kubectl") is None:
        left_out("no kubectl here (Debian package kubectl)")
    api = KubeApi(tmp_path)
    yield Doctor(api)
    api.close()


@pytest.mark.slow
def test_nothing_is_wrong_with_a_namespace_that_is_whole(
    doctor: Doctor, namespace: Namespace
) -> None:
    assert namespace.seen() == {}
    assert doctor.examines(namespace) == {}


def test_running_pods_say_what_the_cluster_does_not_know(
    doctor: Doctor, namespace: Namespace
) -> None:
    _without_image(namespace)
    tls = "PGSSLMODE=verify-full: the server offers no TLS; turn it on there"
    parts = {"database": "unavailable", "remedy": tls}
    clock = {"database": "ok", "clock": "90 s ahead of the database"}
    namespace.answers |= {
        ("directory-0", "/readyz"): "503\n" + json.dumps({"parts": parts}),
        ("referrals-0", "/readyz"): "200\n" + json.dumps({"parts": clock}),
        ("postgres-0", "/data"): f"{_GIB} {20 * _GIB} /data\n",
        ("console-0", _MISSING_LISTS): json.dumps(
            {"at": "2026-12-01", "backup": "last", "why": "the lists burnt"}
        ),
    }
    del namespace.answers["console-0", "/readyz"]
    wrong = doctor.examines(namespace)
    assert wrong.pop("pod directory-0") == ("not ready", tls)
    assert wrong.pop("pod referrals-0") == (
        "clock 90 s ahead of the database (node maracaibo)",
        REMEDY,
    )
    full = ("1.0 GiB free", "enlarge it: kubectl edit pvc postgres-data -n ruta")
    assert wrong.pop("volume postgres-data") == full
    found, advice = wrong.pop("restore made without its lists")
    assert "the lists burnt" in found
    assert "kubectl exec deployment/referrals -n ruta -- mv " in advice
    assert wrong.pop("pod console-0")[1] == "kubectl describe pod console-0 -n ruta"
    assert list(wrong) == ["pod gateway-0"]


def test_the_officer_reads_it_in_spanish(
    monkeypatch: pytest.MonkeyPatch, namespace: Namespace
) -> None:
    monkeypatch.setenv("RUTA_LANGUAGE", "es")
    _without_image(namespace)
    ((found, advice),) = namespace.seen().values()
    assert "no está" in found
    assert "nodo maracaibo" in advice
