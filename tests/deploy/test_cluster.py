"""The Kubernetes deployment, checked without a cluster; and the checks, checked by breaking it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import yaml
from stack import cluster_check, cluster_secrets
from stack.cluster_arrows import denies_by_default, missing_and_extra
from stack.cluster_check import OVERLAYS, Skipped, built

from tests.support.leaving_out import left_out
from tests.support.reference import reference_data

Documents = list[dict[str, Any]]


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def documents(overlay: str) -> Documents:
    try:
        return built(overlay)
    except Skipped as reason:
        left_out(str(reason))


def test_the_policies_draw_the_arrows_of_the_design_and_no_others(documents: Documents) -> None:
    assert missing_and_extra(documents) == (set(), set())
    assert denies_by_default(documents)


def _policy(documents: Documents, name: str) -> Any:
    return next(
        d["spec"]
        for d in documents
        if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == name
    )


@pytest.mark.parametrize(
    ("harm", "missing", "extra"),
    [
        (lambda d: _policy(d, "postgres").update(ingress=[]), 4, 4),
        (lambda d: _policy(d, "webhooks").update(egress=[]), 1, 0),
        (lambda d: _policy(d, "services")["ingress"].append({"ports": [{"port": 9}]}), 0, 3),
    ],
)
def test_a_missing_and_an_added_arrow_are_both_noticed(
    documents: Documents, harm: Callable[[Documents], None], missing: int, extra: int
) -> None:
    harmed = deepcopy(documents)
    harm(harmed)
    found_missing, found_extra = missing_and_extra(harmed)
    assert len(found_missing) == missing
    assert bool(found_extra) == bool(extra) or found_missing


def test_every_workload_is_hardened(overlay: str, documents: Documents) -> None:
    assert cluster_check.workloads(overlay) == []


def test_a_workload_that_runs_as_root_is_noticed(documents: Documents) -> None:
    deployment = deepcopy(next(d for d in documents if d["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 0
    assert list(cluster_check._pod_faults(deployment)) == ["must run as user 10001, not root"]


def test_custom_resources_fit_the_operators_own_definitions(overlay: str) -> None:
    reference_data("crds")
    try:
        assert cluster_check.custom_schemas(overlay) == []
    except Skipped as reason:
        left_out(str(reason))


def test_an_unknown_field_of_a_custom_resource_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference_data("crds")
    try:
        production = built("production")
    except Skipped as reason:
        left_out(str(reason))
    cluster = next(d for d in production if d["kind"] == "Cluster")
    cluster["spec"]["instanzes"] = 3
    monkeypatch.setattr(cluster_check, "built", lambda _overlay: production)
    assert any("instanzes" in str(f) for f in cluster_check.custom_schemas("production"))


def test_the_brokers_permissions_are_those_of_the_arrows() -> None:
    assert cluster_check.broker_configuration() == []


def test_images_carry_their_labels() -> None:
    assert cluster_check.image_labels() == []


def test_every_secret_that_a_manifest_names_is_made(documents: Documents, overlay: str) -> None:
    """In production the external store brings them; elsewhere `./ruta k8s secrets` does."""
    brought = {
        (d["kind"], d["metadata"]["name"])
        for d in [*documents, *cluster_secrets.documents()]
        if d["kind"] in {"Secret", "ConfigMap"}
    }
    brought |= {
        ("Secret", d["metadata"]["name"]) for d in documents if d["kind"] == "ExternalSecret"
    }
    text = yaml.safe_dump_all([d for d in documents if d["kind"] in {"Deployment", "Job"}])
    for document in yaml.safe_load_all(text):
        for kind, name in _references(document):
            assert (kind, name) in brought, f"{overlay}: nothing makes {kind} {name}"


def _references(node: Any) -> list[tuple[str, str]]:
    if isinstance(node, list):
        return [pair for item in node for pair in _references(item)]
    if not isinstance(node, dict):
        return []
    found = [pair for value in node.values() for pair in _references(value)]
    for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
        if key in node:
            found.append((kind, node[key]["name"]))
    if "secretName" in node:
        found.append(("Secret", node["secretName"]))
    if isinstance(node.get("configMap"), dict):
        found.append(("ConfigMap", node["configMap"]["name"]))
    return found


def test_new_secrets_are_new_each_time() -> None:
    first, second = (cluster_secrets.as_yaml(cluster_secrets.documents()) for _ in range(2))
    values = {
        v
        for d in yaml.safe_load_all(first)
        if d["kind"] == "Secret"
        for k, v in d["stringData"].items()
    }
    assert all(value not in second for value in values)


def _writers_of_evidence(documents: Documents) -> list[str]:
    """Deployments whose app writes the audit's anchor and the list of the erased to a volume."""
    found = []
    for document in documents:
        if document["kind"] != "Deployment":
            continue
        pod = document["spec"]["template"]["spec"]
        app = pod["containers"][0]
        names = {entry["name"]: entry.get("value", "") for entry in app.get("env", [])}
        files = [names.get(name) for name in ("RUTA_AUDIT_ANCHOR_FILE", "RUTA_TOMBSTONE_FILE")]
        claims = {v["name"] for v in pod.get("volumes", []) if "persistentVolumeClaim" in v}
        kept = [m["mountPath"] for m in app.get("volumeMounts", []) if m["name"] in claims]
        if all(files) and all(any(str(f).startswith(path) for path in kept) for f in files):
            found.append(document["metadata"]["name"])
    return found


def test_the_evidence_is_kept_outside_the_database_in_every_overlay(
    overlay: str, documents: Documents
) -> None:
    """By whoever runs the worker of referrals, and by nobody else."""
    worker = "referrals-worker" if overlay == "production" else "referrals"
    assert _writers_of_evidence(documents) == [worker]
    (claim,) = [
        d["spec"]
        for d in documents
        if d["kind"] == "PersistentVolumeClaim" and d["metadata"]["name"] == "referrals-evidence"
    ]
    deployment = next(
        d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == worker
    )
    several = deployment["spec"]["replicas"] > 1
    assert claim["accessModes"] == ["ReadWriteMany" if several else "ReadWriteOnce"]
