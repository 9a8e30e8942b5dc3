"""The deployed alerts and dashboard, with the metrics that they use."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "k8s" / "components" / "monitoring"
FOREIGN = {
    "up": "Prometheus",
    "certmanager_certificate_expiration_timestamp_seconds": "cert-manager",
    "kube_pod_container_status_restarts_total": "kube-state-metrics",
    "kube_pod_status_phase": "kube-state-metrics",
    "kubelet_volume_stats_available_bytes": "the kubelet",
    "kubelet_volume_stats_capacity_bytes": "the kubelet",
    "cnpg_pg_replication_in_recovery": "CloudNativePG",
    "cnpg_pg_replication_is_wal_receiver_up": "CloudNativePG",
    "cnpg_pg_replication_lag": "CloudNativePG",
    "cnpg_pg_stat_archiver_last_archived_time": "CloudNativePG",
    "cnpg_pg_stat_archiver_last_failed_time": "CloudNativePG",
    "cnpg_pg_stat_archiver_seconds_since_last_archival": "CloudNativePG",
    "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp": "the Barman Cloud plugin",
}
"""What others export, and who: docs/operate.md asks for them."""

# Matches the parts of an expression that are not metric names: texts, matchers, ranges, labels and functions.
_NOT_NAMES = re.compile(
    r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring)\s*\([^)]*\)|\w+\s*(?=\()'
)
_NAMES = re.compile(r"(?<![\w.:])[a-zA-Z_:][\w:]*")
_WORDS = {"and", "or", "unless", "bool"}


def rules() -> Iterator[dict[str, Any]]:
    for group in groups():
        yield from group["rules"]


def groups() -> list[dict[str, Any]]:
    document = yaml.safe_load((MONITORING / "rules.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["spec"]["groups"]
    return found


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    text = (MONITORING / "dashboard.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def measurements(expression: str) -> set[str]:
    """Return the metrics in an expression, except the results of recording rules."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    plain = _NOT_NAMES.sub(" ", _NOT_NAMES.sub(" ", expression))
    return set(_NAMES.findall(plain)) - _WORDS - recorded
