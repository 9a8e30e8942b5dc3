"""What an officer on call looks at: one trace, metrics that exist, alerts with a runbook line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.support.collector import Collector
from tests.support.system import System, until
from tests.support.traces import ReadSpan, spans_of

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "k8s" / "components" / "monitoring"
# Made by others: Prometheus itself and cert-manager, which holds the certificates.
FOREIGN = {"up", "certmanager_certificate_expiration_timestamp_seconds"}
_NAME = re.compile(r"\b(?:ruta_[a-z_]+|certmanager_[a-z_]+|up)\b(?=[{\[\s)]|$)")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "")


def test_one_trace_leads_from_the_gateway_to_the_reader_of_the_event(
    system: System, collector: Collector
) -> None:
    trace = uuid4().hex
    answer = system.running.request(
        "ngo-refugio",
        "POST",
        "/referrals/v1/cases",
        json={"identity": {"name": "Persona Ficticia"}, "area": "VE2313"},
        headers={
            "Idempotency-Key": f"trace-{trace}",
            "traceparent": f"00-{trace}-{uuid4().hex[:16]}-01",
        },
    )
    assert answer.status_code == 201, answer.text
    consent = system.running.request(
        "ngo-refugio",
        "POST",
        "/referrals/v1/consents",
        json={"case_id": answer.json()["id"], "kind": "reporting", "method": "verbal"},
        headers={
            "Idempotency-Key": f"trace-consent-{trace}",
            "traceparent": f"00-{trace}-{uuid4().hex[:16]}-01",
        },
    )
    assert consent.status_code == 201, consent.text

    def seen() -> dict[str, ReadSpan]:
        ours = [span for span in spans_of(list(collector.received)) if span.trace == trace]
        return {f"{span.service} {span.name}": span for span in ours}

    given = "ruta.referrals.grant.given.v1"
    handled, published = f"ruta-reporting handle {given}", f"ruta-referrals publish {given}"
    route = "ruta-referrals POST /referrals/v1/consents"

    def all_exported() -> bool:
        spans = seen()
        return {handled, published, route} <= spans.keys() and any(
            span.service == "ruta-gateway" for span in spans.values()
        )

    until(all_exported, f"every process exports its span: {sorted(seen())}")
    spans = seen()
    at_the_front = {
        s.span for s in spans_of(list(collector.received)) if s.service == "ruta-gateway"
    }
    assert spans[route].parent in at_the_front
    assert spans[published].parent == spans[route].span, "the outbox keeps whose request it was"
    assert spans[handled].parent == spans[published].span, "NATS carries the trace on"


def _expressions() -> Iterator[tuple[str, str]]:
    for document in yaml.safe_load_all((MONITORING / "rules.yaml").read_text()):
        for group in document["spec"]["groups"]:
            for rule in group["rules"]:
                yield rule.get("alert") or rule["record"], rule["expr"]
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_every_metric_of_the_alerts_and_the_dashboard_exists(system: System) -> None:
    known: set[str] = set()
    for name in system.state.ports:
        if name not in ("postgres", "nats"):
            known |= set(re.findall(r"^# TYPE (\S+)", system.measured(name), re.MULTILINE))
    missing = {
        (where, metric)
        for where, expression in _expressions()
        for metric in _NAME.findall(expression)
        if metric not in FOREIGN
        and not any(
            metric.removesuffix(suffix) in known or metric in known
            for suffix in _SUFFIXES
            if suffix
        )
    }
    assert not missing
    asked = {m for _, e in _expressions() for m in _NAME.findall(e)}
    for needed in (
        "ruta_http_requests_total",
        "ruta_http_request_seconds_bucket",
        "ruta_outbox_oldest_seconds",
        "ruta_consumer_pending",
        "ruta_dead_letters",
        "ruta_escalations_due",
        "ruta_key_age_seconds",
        "certmanager_certificate_expiration_timestamp_seconds",
    ):
        assert needed in asked, f"nobody looks at {needed}"


@pytest.mark.parametrize("guide", ["im-guide.md", "im-guide.es.md"])
def test_every_alert_has_a_runbook_line_in_both_languages(guide: str) -> None:
    text = (ROOT / "docs" / guide).read_text()
    rules: list[dict[str, Any]] = [
        rule
        for document in yaml.safe_load_all((MONITORING / "rules.yaml").read_text())
        for group in document["spec"]["groups"]
        for rule in group["rules"]
    ]
    for rule in rules:
        name, notes = rule["alert"], rule["annotations"]
        assert f"#### {name}\n" in text, f"{guide} says nothing of {name}"
        assert f"#{name.lower()}" in notes["runbook"]
        assert notes["summary"]
        assert notes["summary_es"]
