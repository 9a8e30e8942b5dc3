"""What an officer on call looks at: one trace, metrics that exist, alerts with a runbook line."""

import re
from uuid import uuid4

import pytest

from tests.support.alerts import FOREIGN, expressions, measurements
from tests.support.collector import Collector
from tests.support.system import System, until
from tests.support.traces import ReadSpan, spans_of

pytestmark = pytest.mark.system
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


def test_every_metric_of_the_alerts_and_the_dashboard_exists(system: System) -> None:
    known: set[str] = set()
    for name in system.state.ports:
        if name not in ("postgres", "nats"):
            known |= set(re.findall(r"^# TYPE (\S+)", system.measured(name), re.MULTILINE))
    missing = {
        (where, metric)
        for where, expression in expressions()
        for metric in measurements(expression)
        if metric not in FOREIGN
        and not any(
            metric.removesuffix(suffix) in known or metric in known
            for suffix in _SUFFIXES
            if suffix
        )
    }
    assert not missing
    asked = {m for _, e in expressions() for m in measurements(e)}
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
