"""Checks of the Kubernetes deployment without a cluster, and tests of these checks with broken manifests."""

import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography import x509
from referrals.settings import Settings as ReferralsSettings
from stack.commands import k8s
from stack.errors import StackError
from stack.operate.cluster import check as cluster_check
from stack.operate.cluster import process_certificates
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.broker import configuration
from stack.operate.cluster.check import Skipped
from stack.operate.cluster.images import images
from stack.operate.cluster.policies import denies_by_default, design, missing_and_extra
from typer.testing import CliRunner

from tests.support.leaving_out import left_out
from tests.support.reference import reference_data
from tests.support.rendered_world import Documents, documents_of

KINDS = ("Cluster", "Pooler", "Deployment", "HorizontalPodAutoscaler")


def test_the_policies_draw_the_arrows_of_the_design_and_no_others(
    overlay: str, documents: Documents
) -> None:
    assert missing_and_extra(documents, design(overlay)) == (set(), set())
    assert denies_by_default(documents)


def test_readers_outside_come_to_the_broker_by_one_more_port(tmp_path: Path) -> None:
    """The component works in an operation's own overlay, with the configuration that the command prints."""
    deploy = cluster_check.root() / "deploy" / "k8s"
    own = {
        "namespace": "ruta",
        "resources": [os.path.relpath(deploy / "overlays/production", tmp_path)],
        "components": [os.path.relpath(deploy / "components/outside-events", tmp_path)],
        "configMapGenerator": [{"name": "nats", "behavior": "replace", "files": ["nats.conf"]}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    (tmp_path / "nats.conf").write_text(configuration(["health"]))
    documents = documents_of(str(tmp_path))
    arrows = design("production") | {("*", "nats", 8443)}
    assert missing_and_extra(documents, arrows) == (set(), set())
    (pods,) = (
        d["spec"]["template"]["spec"]
        for d in documents
        if d["kind"] == "StatefulSet" and d["metadata"]["name"] == "nats"
    )
    broker = next(c for c in pods["containers"] if c["name"] == "nats")
    secrets = [each["secretRef"]["name"] for each in broker["envFrom"]]
    assert secrets == ["ruta-nats", "ruta-nats-outside"]
    ports = {port["name"]: port["containerPort"] for port in broker["ports"]}
    assert ports == {"client": 4222, "cluster": 6222, "monitor": 8222, "outside": 8443}
    said = next(d["data"] for d in documents if "nats.conf" in d.get("data", {}))["nats.conf"]
    for path in re.findall(r"_file: ([^ ]+)/tls", said):
        assert path in {mount["mountPath"] for mount in broker["volumeMounts"]}


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
        (lambda d: _policy(d, "webhooks").update(egress=[]), 3, 0),
        (lambda d: _policy(d, "services")["ingress"].append({"ports": [{"port": 9}]}), 0, 3),
    ],
)
def test_a_missing_and_an_added_arrow_are_both_noticed(
    overlay: str,
    documents: Documents,
    harm: Callable[[Documents], None],
    missing: int,
    extra: int,
) -> None:
    harmed = deepcopy(documents)
    harm(harmed)
    found_missing, found_extra = missing_and_extra(harmed, design(overlay))
    assert len(found_missing) == missing
    assert bool(found_extra) == bool(extra) or found_missing


def test_every_workload_is_hardened(overlay: str, documents: Documents) -> None:
    assert cluster_check.workloads(overlay) == []


def test_a_workload_that_runs_as_root_is_noticed(documents: Documents) -> None:
    deployment = deepcopy(next(d for d in documents if d["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 0
    assert list(cluster_check._pod_faults(deployment)) == ["must run as user 10001, not root"]


def test_whoever_dials_postgresql_wants_its_certificate(overlay: str) -> None:
    assert cluster_check.check_database_certificates(overlay) == []


def _each(documents: Documents, kind: str, name: str) -> Any:
    return next(d["spec"] for d in documents if d["kind"] == kind and d["metadata"]["name"] == name)


def _app(documents: Documents, kind: str, name: str) -> Any:
    return _each(documents, kind, name)["template"]["spec"]["containers"][0]


def _without(documents: Documents, kind: str, name: str, variable: str) -> None:
    app = _app(documents, kind, name)
    app["env"] = [each for each in app["env"] if each["name"] != variable]


def _mounts(documents: Documents, name: str, secret: str) -> None:
    pod = _each(documents, "Deployment", name)["template"]["spec"]
    pod["volumes"].append({"name": "postgres-trust", "secret": {"secretName": secret}})
    pod["containers"][0]["volumeMounts"].append({"name": "postgres-trust", "mountPath": "/x"})


def _by_subpath(documents: Documents) -> None:
    mounts = _app(documents, "Deployment", "reporting")["volumeMounts"]
    next(m for m in mounts if m["name"] == "postgres-trust")["subPath"] = "ca.crt"


def _said(documents: Documents, name: str) -> Any:
    return _each(documents, "Pooler", name)["pgbouncer"]["parameters"]


HARMS: list[tuple[Callable[[Documents], object], str, int]] = [
    (lambda d: _without(d, "Deployment", "directory", "PGSSLMODE"), "without PGSSLMODE", 1),
    (lambda d: _without(d, "Job", "referrals-migrate", "PGSSLROOTCERT"), "at PGSSLROOTCERT", 1),
    (_by_subpath, "at PGSSLROOTCERT", 1),
    (lambda d: _mounts(d, "console", "ruta-postgres-trust"), "dials no PostgreSQL", 1),
    (lambda d: _mounts(d, "console", "ruta-postgres-ca"), "holds the authority's key", 1),
    (lambda d: _each(d, "Cluster", "postgres-keys").pop("certificates"), "not signed by", 1),
    (lambda d: _each(d, "Cluster", "postgres")["postgresql"].pop("pg_hba"), "without TLS", 1),
    (lambda d: _said(d, "postgres-pooler").pop("client_tls_sslmode"), "client_tls_sslmode", 1),
    # Three services and their workers use the pooler; the migrations' settings also name it.
    (
        lambda d: _each(d, "Cluster", "postgres")["certificates"].pop("serverAltDNSNames"),
        "dials postgres-pooler, which no certificate names",
        9,
    ),
]


def _harmed(
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Documents], object],
    check: Callable[[str], list[cluster_check.Finding]],
) -> list[cluster_check.Finding]:
    """Return the check's findings for the production overlay after this change."""
    production = documents_of("production")
    harm(production)
    monkeypatch.setattr(cluster_check, "built", lambda _overlay: production)
    return check("production")


@pytest.mark.parametrize(("harm", "what", "times"), HARMS)
def test_a_connection_that_anybody_could_answer_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Documents], object],
    what: str,
    times: int,
) -> None:
    found = _harmed(monkeypatch, harm, cluster_check.check_database_certificates)
    assert len(found) == times
    assert all(what in str(each) for each in found)


def test_each_process_shows_a_certificate_and_wants_one(overlay: str) -> None:
    assert cluster_check.check_process_certificates(overlay) == []


def _says(documents: Documents, name: str, variable: str, value: str) -> None:
    app = _app(documents, "Deployment", name)
    next(each for each in app["env"] if each["name"] == variable)["value"] = value


def _mounted(documents: Documents, kind: str, name: str, volume: str, **instead: Any) -> None:
    pod = _each(documents, kind, name)["template"]["spec"]
    held = next(each for each in pod["volumes"] if each["name"] == volume)
    held |= instead


def _by_subpath_of_its_own(documents: Documents) -> None:
    mounts = _app(documents, "Deployment", "console")["volumeMounts"]
    next(m for m in mounts if m["name"] == "certificate")["subPath"] = "tls.crt"


def _watches(documents: Documents, name: str) -> Any:
    return _each(documents, "PodMonitor", name)["podMetricsEndpoints"][0]


CLEAR: list[tuple[Callable[[Documents], object], str, int]] = [
    (lambda d: _without(d, "Deployment", "directory", "RUTA_TRUST_FILE"), "at RUTA_TRUST_FILE", 1),
    (
        lambda d: _without(d, "Deployment", "referrals-worker", "RUTA_CERTIFICATE_FILE"),
        "at RUTA_CERTIFICATE_FILE",
        1,
    ),
    (_by_subpath_of_its_own, "of its own at RUTA_CERTIFICATE", 2),
    (
        lambda d: _says(d, "gateway", "RUTA_REPORTING_URL", "http://reporting:8000"),
        "dials reporting in clear",
        1,
    ),
    # Eight processes and the Job that creates the streams name the broker; the migrations do not use it.
    (
        lambda d: next(
            e for e in d if e["kind"] == "ConfigMap" and e["metadata"]["name"] == "ruta"
        )["data"].update(RUTA_NATS_URL="nats://nats:4222"),
        "dials nats in clear",
        9,
    ),
    (
        lambda d: _says(d, "console", "RUTA_GATEWAY_URL", "https://nats-peers:8000"),
        "dials nats-peers, which no certificate names",
        1,
    ),
    (
        lambda d: _mounted(
            d, "Deployment", "console", "tmp", secret={"secretName": "ruta-internal-ca"}
        ),
        "holds the authority's key",
        1,
    ),
    (
        lambda d: _mounted(
            d, "Deployment", "console", "tmp", secret={"secretName": "ruta-gateway-certificate"}
        ),
        "could pass for gateway",
        1,
    ),
    (
        lambda d: _app(d, "Deployment", "reporting")["readinessProbe"]["httpGet"].pop("scheme"),
        "its readinessProbe asks without TLS",
        1,
    ),
    (lambda d: _watches(d, "ruta-referrals").pop("scheme"), "asks referrals without TLS", 1),
    (lambda d: _watches(d, "ruta-front").pop("tlsConfig"), "takes anybody for gateway", 1),
    (
        lambda d: _watches(d, "ruta-console")["tlsConfig"].update(serverName="gateway"),
        "for a name that its certificate is not for",
        1,
    ),
    (
        lambda d: d.remove(next(e for e in d if e["kind"] == "BackendTLSPolicy")),
        "reaches the front without TLS",
        1,
    ),
    (
        lambda d: _mounted(d, "StatefulSet", "nats", "trust", configMap={"name": "nats"}),
        "finds no /etc/ruta/trust/ca.crt",
        1,
    ),
]


@pytest.mark.parametrize(("harm", "what", "times"), CLEAR)
def test_a_way_inside_that_anybody_could_answer_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Documents], object],
    what: str,
    times: int,
) -> None:
    found = _harmed(monkeypatch, harm, cluster_check.check_process_certificates)
    assert len(found) == times, found
    assert all(what in str(each) for each in found)


def test_certificates_of_the_processes_are_renewed_by_the_same_authority() -> None:
    """The renewal accepts the authority as a secret store returns it, as the command printed it, and as a cluster
    stores it."""
    first = list(cluster_secrets.certificates())
    kept = first[0]
    assert kept["metadata"]["name"] == process_certificates.AUTHORITY
    values = kept["stringData"]
    encoded = {name: b64encode(value.encode()).decode() for name, value in values.items()}
    for said in (kept, values, {"kind": "Secret", "data": encoded}):
        authority = process_certificates.read_authority(json.dumps(said))
        anew = list(cluster_secrets.certificates(authority))
        assert [d["metadata"]["name"] for d in anew] == [d["metadata"]["name"] for d in first[1:]]
        assert anew[-1]["data"] == {"ca.crt": values["ca.crt"]} == first[-1]["data"]
        for old, new in zip(first[1:-1], anew[:-1], strict=True):
            assert old["stringData"]["tls.key"] != new["stringData"]["tls.key"]
            shown = x509.load_pem_x509_certificate(new["stringData"]["tls.crt"].encode())
            shown.verify_directly_issued_by(
                x509.load_pem_x509_certificate(values["ca.crt"].encode())
            )
    another = process_certificates.new_authority()
    for wrong in ("", "[]", "x: y", json.dumps({**values, "ca.key": another.key})):
        with pytest.raises(StackError, match="no certificate authority in that file"):
            process_certificates.read_authority(wrong)


def test_postgresqls_operator_can_sign_with_the_authority_that_is_made() -> None:
    """The operator reads keys in only one format; our processes get the certificate without the key."""
    made = {
        d["metadata"]["name"]: d
        for d in cluster_secrets.documents(cluster_secrets.target("production"))
    }
    authority, trusted = made["ruta-postgres-ca"], made["ruta-postgres-trust"]
    assert authority["stringData"]["ca.key"].startswith("-----BEGIN EC PRIVATE KEY-----")
    assert authority["metadata"]["labels"] == {"cnpg.io/reload": ""}
    assert trusted["stringData"] == {"ca.crt": authority["stringData"]["ca.crt"]}


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
    production = documents_of("production")
    cluster = next(d for d in production if d["kind"] == "Cluster")
    cluster["spec"]["instanzes"] = 3
    monkeypatch.setattr(cluster_check, "built", lambda _overlay: production)
    assert any("instanzes" in str(f) for f in cluster_check.custom_schemas("production"))


def test_the_brokers_permissions_are_those_of_the_arrows() -> None:
    assert cluster_check.broker_configuration() == []


def test_images_carry_their_labels() -> None:
    assert cluster_check.image_labels() == []


def test_the_secrets_of_an_overlay_are_exactly_those_that_it_names(
    overlay: str, documents: Documents
) -> None:
    """Names and keys agree in three places: what `./ruta k8s secrets` writes, what the overlay reads, and what
    production requests from the external store."""
    made = cluster_secrets.documents(cluster_secrets.target(overlay))
    secrets = {d["metadata"]["name"]: set(d["stringData"]) for d in made if d["kind"] == "Secret"}
    configs = {d["metadata"]["name"] for d in [*documents, *made] if d["kind"] == "ConfigMap"}
    named: set[str] = set()
    for document in documents:
        if document["kind"] in {"Ingress", "Gateway"}:  # Their certificate comes from elsewhere.
            continue
        for kind, name, key in _references(document):
            if kind == "ConfigMap":
                assert name in configs, f"{overlay}: nothing makes ConfigMap {name}"
                continue
            assert name in secrets, f"{overlay}: nothing makes Secret {name}"
            assert key is None or key in secrets[name], f"{overlay}: {name} has no {key}"
            named.add(name)
    # The renewal command signs with the authority's key, which no cluster needs.
    inside = set(secrets) - {process_certificates.AUTHORITY}
    assert inside == named
    asked = {d["metadata"]["name"] for d in documents if d["kind"] == "ExternalSecret"}
    assert asked in (set(), inside)
    assert bool(asked) == (overlay == "production")


def _references(node: Any) -> list[tuple[str, str, str | None]]:
    """Return (kind, name, key or None) for each reference in a manifest."""
    if isinstance(node, list):
        return [found for item in node for found in _references(item)]
    if not isinstance(node, dict):
        return []
    found = [each for value in node.values() for each in _references(value)]
    named = ("secretRef", "secretKeyRef", "passwordSecret", "accessKeyId", "secretAccessKey")
    readers = [node.get(key) for key in (*named, "credentials")]
    found += [
        ("Secret", reader["name"], reader.get("key"))
        for reader in readers
        if isinstance(reader, dict) and "name" in reader
    ]
    if "serverCASecret" in node:
        found.append(("Secret", node["serverCASecret"], "ca.key"))
    if isinstance(node.get("configMapRef"), dict):
        found.append(("ConfigMap", node["configMapRef"]["name"], None))
    if "secretName" in node:
        found.append(("Secret", node["secretName"], None))
    if isinstance(node.get("configMap"), dict):
        found.append(("ConfigMap", node["configMap"]["name"], None))
    return found


@pytest.mark.parametrize(
    ("overlay_", "hosts"),
    [
        ("small", {"postgres"}),
        ("production", {"postgres-rw", "postgres-keys-rw", "postgres-pooler"}),
    ],
)
def test_addresses_of_databases_are_services_of_the_overlay(overlay_: str, hosts: set[str]) -> None:
    """The operator names its services `<cluster>-rw`. The key store has a separate cluster."""
    said = {
        (key, urlsplit(value).hostname)
        for document in cluster_secrets.documents(cluster_secrets.target(overlay_))
        for key, value in document.get("stringData", {}).items()
        if key.endswith("_URL")
    }
    assert {host for _, host in said} == hosts
    if overlay_ == "production":
        keys = {host for key, host in said if "KEY_STORE" in key}
        assert keys == {"postgres-keys-rw"}
        assert {host for key, host in said if "SESSION" in key or "OWNER" in key} == {
            "postgres-rw",
            "postgres-keys-rw",
        }
        made = documents_of(overlay_)
        servers = {d["metadata"]["name"] + "-rw" for d in made if d["kind"] == "Cluster"}
        poolers = {d["metadata"]["name"] for d in made if d["kind"] == "Pooler"}
        assert servers | poolers == hosts


RESERVED = 40
"""Connections for operators, replication, the backup and the operator's own."""


def test_at_the_autoscalers_maximum_the_connections_are_enough() -> None:
    production = documents_of("production")
    of_kind = {kind: [d for d in production if d["kind"] == kind] for kind in KINDS}
    limits = {
        d["metadata"]["name"]: int(d["spec"]["postgresql"]["parameters"]["max_connections"])
        for d in of_kind["Cluster"]
    }
    (pooler,) = of_kind["Pooler"]
    share = int(pooler["spec"]["pgbouncer"]["parameters"]["default_pool_size"])
    services = ("directory", "referrals", "reporting")
    workers = sum(
        d["spec"]["replicas"]
        for d in of_kind["Deployment"]
        if d["metadata"]["labels"].get("ruta.tier") == "worker"
    )
    relays = migrations = workers
    pooled = pooler["spec"]["instances"] * len(services) * share
    assert pooled + relays + migrations + RESERVED <= limits["postgres"]
    (most,) = [
        d["spec"]["maxReplicas"]
        for d in of_kind["HorizontalPodAutoscaler"]
        if d["metadata"]["name"] == "referrals"
    ]
    of_one = 2 * ReferralsSettings.model_fields["database_pool_size"].default
    (keepers,) = [
        d["spec"]["replicas"]
        for d in of_kind["Deployment"]
        if d["metadata"]["name"] == "referrals-worker"
    ]
    assert (most + 1 + keepers) * of_one + RESERVED <= limits["postgres-keys"]
    clients = int(pooler["spec"]["pgbouncer"]["parameters"]["max_client_conn"])
    pods = sum(d["spec"]["maxReplicas"] for d in of_kind["HorizontalPodAutoscaler"]) + workers
    assert pods * 2 * of_one <= clients * pooler["spec"]["instances"]


def _wave(document: Any) -> int:
    annotations = document["metadata"].get("annotations", {})
    return int(annotations.get("argocd.argoproj.io/sync-wave", 0))


def test_a_migration_comes_after_what_it_needs_and_before_the_processes(
    documents: Documents,
) -> None:
    """Sync waves set the order, because a PreSync hook would run without a Secret or a database."""
    jobs = [d for d in documents if d["kind"] == "Job"]
    assert jobs
    for job in jobs:
        assert job["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "Sync"
    migrations = {_wave(job) for job in jobs}
    processes = {_wave(d) for d in documents if _is_ours(d)}
    with_processes = {"HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim"}
    needed = {
        _wave(d) for d in documents if d["kind"] not in {"Job", *with_processes} and not _is_ours(d)
    }
    assert max(needed) < min(migrations) <= max(migrations) < min(processes)


def _is_ours(document: Any) -> bool:
    labels = document["metadata"].get("labels", {})
    return document["kind"] == "Deployment" and labels.get("ruta.tier") in {"service", "worker"}


def _containers(documents: Documents) -> Iterator[tuple[str, Any]]:
    for document in documents:
        if _is_ours(document):
            yield (
                document["metadata"]["name"],
                document["spec"]["template"]["spec"]["containers"][0],
            )


def test_what_scales_by_load_is_given_no_number_and_a_request_above_idling() -> None:
    production = documents_of("production")
    scaled = {
        d["spec"]["scaleTargetRef"]["name"]
        for d in production
        if d["kind"] == "HorizontalPodAutoscaler"
    }
    numbered = {
        d["metadata"]["name"]
        for d in production
        if d["kind"] == "Deployment" and "replicas" in d["spec"]
    }
    assert scaled == {"gateway", "directory", "referrals", "reporting", "console"}
    assert not scaled & numbered
    for name, container in _containers(production):
        if name in scaled:
            assert container["resources"]["requests"]["cpu"] == "500m"


@pytest.mark.parametrize("entered", ["small", "production"])
def test_where_there_is_an_entrance_the_front_believes_it(entered: str) -> None:
    (front,) = [c for name, c in _containers(documents_of(entered)) if name == "gateway"]
    said = {entry["name"]: entry.get("value") for entry in front["env"]}
    assert json.loads(said["RUTA_TRUSTED_PROXIES"])


def test_secrets_come_with_their_namespace() -> None:
    """The Secrets include their namespace. The documentation applies them before the overlay, and a new cluster has no
    namespace yet."""
    done = CliRunner().invoke(k8s.app, ["secrets"])
    first, *others = yaml.safe_load_all(done.stdout)
    assert (first["kind"], first["metadata"]["name"]) == ("Namespace", "ruta")
    assert {each["metadata"]["namespace"] for each in others} == {"ruta"}
    (standing,) = [d for d in documents_of("small") if d["kind"] == "Namespace"]
    assert first == standing, "the overlay changes nothing of it"


def test_no_image_is_looked_for_where_strangers_publish(documents: Documents) -> None:
    """Every image name includes a registry. `ruta/gateway` would come from Docker Hub, from whoever owns that name
    there."""
    hosts = {image.partition("/")[0] for image in images(documents)}
    assert [host for host in hosts if host != "localhost" and "." not in host] == []


def test_a_volume_on_one_node_is_left_before_the_next_process_takes_it(
    overlay: str, documents: Documents
) -> None:
    single = {
        d["metadata"]["name"]
        for d in documents
        if d["kind"] == "PersistentVolumeClaim" and d["spec"]["accessModes"] == ["ReadWriteOnce"]
    }
    holders = {
        d["metadata"]["name"]: d["spec"]["strategy"]["type"]
        for d in documents
        if d["kind"] == "Deployment"
        for volume in d["spec"]["template"]["spec"]["volumes"]
        if volume.get("persistentVolumeClaim", {}).get("claimName") in single
    }
    assert set(holders.values()) <= {"Recreate"}, holders
    assert bool(holders) == (overlay != "production")


def test_a_second_apply_changes_nothing(overlay: str, documents: Documents) -> None:
    """kubectl prints `unchanged` if the API server stores what the manifest says. It drops empty lists and values and
    writes quantities in one form."""
    assert cluster_check.built(overlay) == documents
    assert [each for document in documents for each in _rewritten(document)] == []


@pytest.mark.parametrize(
    ("written", "kept"),
    [("1024Mi", "1Gi"), ("1536Mi", "1536Mi"), ("1000m", "1"), ("0.5", "500m"), (1, "1")],
)
def test_a_quantity_in_another_form_is_noticed(written: str | int, kept: str) -> None:
    assert _kept(written) == kept
    noticed = list(_rewritten({"resources": {"limits": {"cpu": written}}}))
    assert len(noticed) == (written != kept)


_QUANTITIES = ("limits", "requests")


def _rewritten(node: Any, place: str = "") -> Iterator[str]:
    """Yield each value that the API server stores in another form."""
    if node is None or node == [] or (node == "" and place.endswith(".value")):
        yield f"{place} is empty"
    if isinstance(node, list):
        names = [each["name"] for each in node if isinstance(each, dict) and "name" in each]
        if len(names) != len(set(names)) and not place.endswith("volumeMounts"):
            yield f"{place} has two entries of one name"
    pairs = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node if isinstance(node, list) else ())
    )
    for key, value in pairs:
        own = f"{place}.{key}"
        sizes = value.items() if key in _QUANTITIES and isinstance(value, dict) else ()
        yield from (f"{own}.{name} {size}" for name, size in sizes if _kept(size) != size)
        if key == "sizeLimit" and _kept(value) != value:
            yield f"{own} {value}"
        yield from _rewritten(value, own)


def _kept(quantity: str | int) -> str:
    """Return a quantity as Kubernetes stores it: the largest unit that leaves a whole number."""
    found = re.fullmatch(r"([\d.]+)(m|[KMGT]i)?", str(quantity))
    assert found, quantity
    units = ("Ki", "Mi", "Gi", "Ti")
    if found[2] in units:
        number, unit = int(found[1]), units.index(found[2])
        while number % 1024 == 0 and unit + 1 < len(units):
            number, unit = number // 1024, unit + 1
        return f"{number}{units[unit]}"
    thousandths = round(float(found[1]) * (1 if found[2] else 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def test_a_job_waits_for_its_database_for_six_hours(documents: Documents) -> None:
    """Retries start close together and are at most five minutes apart."""
    jobs = [d["spec"] for d in documents if d["kind"] == "Job"]
    assert {spec["activeDeadlineSeconds"] for spec in jobs} == {6 * 3600}
    assert all(spec["backoffLimit"] * 300 > spec["activeDeadlineSeconds"] for spec in jobs)


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
    """Return the Deployments whose app writes the audit anchor and the erasure list to a volume."""
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
    """Only the referrals worker writes the evidence."""
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


def test_each_object_says_to_what_and_to_which_release_it_belongs(documents: Documents) -> None:
    wanted = {
        "app.kubernetes.io/part-of": "ruta",
        "app.kubernetes.io/version": version("ruta-stack"),
    }
    for document in documents:
        assert wanted.items() <= document["metadata"]["labels"].items(), document["metadata"]
