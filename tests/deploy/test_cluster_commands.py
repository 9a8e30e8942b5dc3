"""The officer's commands on a cluster: the calls to kubectl, and the rights with which a command runs.

drills/restarts/test_small.py runs them against real processes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack.embedded.layout import HOME_VARIABLE, Layout
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.check import Skipped, built
from stack.private_files import write_private

from tests.support import kubectl
from tests.support.leaving_out import left_out
from tests.support.reference import ROOT

_READY = '200\n{"status": "ok", "parts": {"database": "ok"}}'
_SAID = {"audit-verify": "5 entries, 0 findings\n", "replay": "equal\n", "key-ring-add": "{}\n"}


pytestmark = [pytest.mark.laborious, pytest.mark.slow]
_DEPLOYMENTS = {
    *("gateway", "directory", "referrals", "referrals-worker"),
    *("reporting", "reporting-worker", "console"),
}


@pytest.fixture(scope="module")
def production() -> list[dict[str, Any]]:
    """Return some Deployments of production and the objects that they reference."""
    try:
        with pytest.MonkeyPatch.context() as here:
            here.setenv(HOME_VARIABLE, str(ROOT))  # A copy of the package is in another folder.
            documents = built("production")
    except Skipped as reason:
        left_out(str(reason))
    return [
        document
        for document in documents
        if document["kind"] != "Deployment" or document["metadata"]["name"] in _DEPLOYMENTS
    ]


class Office:
    """An office whose users may use kubectl on a cluster with the production overlay."""

    def __init__(self, folder: Path, overlay: Sequence[dict[str, Any]]) -> None:
        self.world = folder / "world"
        layout = Layout(self.world)
        write_private(layout.overlay_file, yaml.safe_dump_all(overlay))
        secrets = cluster_secrets.documents(cluster_secrets.PRODUCTION)
        write_private(layout.overlay_secrets_file, cluster_secrets.as_yaml(secrets))
        self.says(**_SAID)
        self._environment = {**os.environ, **kubectl.install(folder / "bin", self.world)}

    def says(self, **answers: str) -> None:
        (self.world / "said.json").write_text(json.dumps(answers))

    def ruta(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stack", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self, verb: str) -> list[list[str]]:
        """Return the kubectl calls with this verb, without the leading namespace."""
        made = kubectl.calls(self.world)
        assert all(call[:2] == ["--namespace", "ruta"] for call in made)
        return [call[2:] for call in made if call[2] == verb]


@pytest.fixture
def office(tmp_path: Path, production: list[dict[str, Any]]) -> Office:
    return Office(tmp_path, production)


@pytest.mark.parametrize(
    ("typed", "target", "command"),
    [
        (["audit", "verify", "--kube", "ruta"], "referrals-worker", ["referrals", "audit-verify"]),
        (
            ["k8s", "run", "referrals", "key-ring-add"],
            "referrals-worker",
            ["referrals", "key-ring-add"],
        ),
    ],
)
def test_a_command_runs_in_a_pod_that_is_there(
    office: Office, typed: Sequence[str], target: str, command: Sequence[str]
) -> None:
    done = office.ruta(*typed)
    assert (done.returncode, done.stdout) == (0, _SAID[command[-1]]), done.stderr
    spoken = "RUTA_LANGUAGE=en"
    asked = [
        "exec",
        f"deployment/{target}",
        "-c",
        "app",
        "--",
        "env",
        spoken,
        "python",
        "-m",
        *command,
    ]
    assert office.asked("exec") == [asked]
    assert office.asked("run") == []


def _spec(call: Sequence[str]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(call[call.index("--overrides") + 1])
    return made


def test_a_rebuild_gets_the_owner_and_the_operator_in_a_pod_of_its_own(office: Office) -> None:
    done = office.ruta("events", "replay", "--kube", "ruta")
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr
    (call,) = office.asked("run")
    made = _spec(call)
    (container,) = made["spec"]["containers"]
    assert container["args"] == ["reporting", "replay"]
    assert {"secretRef": {"name": "ruta-reporting-owner"}} in container["envFrom"]
    by_reference = [entry for entry in container["env"] if "valueFrom" in entry]
    assert by_reference == [
        {
            "name": "RUTA_NATS_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "ruta-nats", "key": "NATS_OPERATOR_PASSWORD"}},
        }
    ]
    # No Service or Deployment selects the pod, but the network policies apply to it.
    assert made["metadata"]["labels"] == {"ruta.service": "reporting", "ruta.job": "command"}
    assert made["spec"]["restartPolicy"] == "Never"
    assert not {"livenessProbe", "readinessProbe", "startupProbe"} & container.keys()
    # The pod is as hardened as the original.
    assert made["spec"]["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_no_secret_is_ever_on_a_command_line(office: Office) -> None:
    office.ruta("events", "replay", "--kube", "ruta")
    written = json.dumps(kubectl.calls(office.world))
    secrets = yaml.safe_load_all(Layout(office.world).overlay_secrets_file.read_text())
    for document in secrets:
        if document["kind"] == "Secret":
            for value in document["stringData"].values():
                assert value == cluster_secrets.FILL_IN or value not in written


def test_doctor_looks_at_each_pod_from_inside(office: Office) -> None:
    office.says(**{"/readyz": _READY, "/metrics": "200\nruta_dead_letters 0\n"})
    done = office.ruta("doctor", "--kube", "ruta", "--json")
    assert done.returncode == 0, done.stdout
    seen = {finding["check"]: finding["found"] for finding in json.loads(done.stdout)}
    assert seen["pod gateway-0"] == seen["pod referrals-worker-0"] == "ready"
    assert seen["dead letters of reporting-worker-0"] == "0"


def test_doctor_says_what_to_do(office: Office) -> None:
    office.says(
        **{
            "/readyz": _READY,
            "/metrics": "200\nruta_dead_letters 2\n",
            "referrals-0 /readyz": '503\n{"parts": {"schema": "behind"}}',
            "gateway-0 /readyz": "",
        }
    )
    done = office.ruta("doctor", "--kube", "ruta", "--json")
    assert done.returncode == 1
    found = {finding["check"]: finding["advice"] for finding in json.loads(done.stdout)}
    assert "schema behind" in found["pod referrals-0"]
    assert found["pod gateway-0"] == "kubectl describe pod gateway-0 -n ruta"
    there = "./ruta events dead-letters referrals --kube ruta"
    assert there in found["dead letters of referrals-worker-0"]
    assert found["pod reporting-worker-0"] == ""


def test_logs_are_of_all_pods_of_a_process(office: Office) -> None:
    done = office.ruta("logs", "referrals-worker", "--kube", "ruta", "--lines", "5")
    assert done.stdout == "[pod/referrals-worker-0/app] a line\n", done.stderr
    (call,) = office.asked("logs")
    assert "--tail=5" in call


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["k8s", "run", "nobody", "hash"], "no service 'nobody'"),
        (["k8s", "run", "--own-pod", "referrals", "key-ring-add"], "would stay on the node"),
        (["k8s", "run", "issuer", "issuer-rotate-keys"], "the namespace ruta has no issuer"),
    ],
)
def test_what_is_not_there_or_would_leave_keys_behind_is_said_and_nothing_runs(
    office: Office, typed: Sequence[str], told: str
) -> None:
    done = office.ruta(*typed)
    assert done.returncode == 1
    assert told in done.stderr
    assert office.asked("exec") == office.asked("run") == []
