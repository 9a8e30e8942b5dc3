"""What an on-call officer uses: whole traces, existing metrics, and alerts with a runbook."""

import re
from uuid import uuid4

import pytest
from common.process.certificates import seconds_left
from gateway.front.routes import ROUTES

from tests.support.alerts import FOREIGN, expressions, measurements
from tests.support.collector import Collector
from tests.support.system import System, until
from tests.support.traces import ReadSpan, spans_of

pytestmark = pytest.mark.system
FRONTS_OWN = {"front", "unmatched"}
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

    def of_the_trace() -> list[ReadSpan]:
        return [span for span in spans_of(list(collector.received)) if span.trace == trace]

    def seen() -> dict[str, ReadSpan]:
        return {f"{span.service} {span.name}": span for span in of_the_trace()}

    given = "ruta.referrals.grant.given.v1"
    handled, published = f"ruta-reporting handle {given}", f"ruta-referrals publish {given}"
    route = "ruta-referrals POST /referrals/v1/consents"

    def at_the_front() -> set[str]:
        return {span.span for span in of_the_trace() if span.service == "ruta-gateway"}

    def all_exported() -> bool:
        # The front exports a span for each of the two requests, after a delay.
        spans = seen()
        return {handled, published} <= spans.keys() and (
            route in spans and spans[route].parent in at_the_front()
        )

    until(all_exported, f"every process exports its span: {sorted(seen())}")
    spans = seen()
    assert spans[published].parent == spans[route].span, "the outbox keeps whose request it was"
    assert spans[handled].parent == spans[published].span, "NATS carries the trace on"


def test_routes_keep_their_prefix_in_metrics_and_traces(
    system: System, collector: Collector
) -> None:
    """For a router inside a router, FastAPI reports the route without its full path."""
    unknown = str(uuid4())
    asked = {
        f"/directory/v1/services/{unknown}": "/directory/v1/services/{service_id}",
        f"/referrals/v1/cases/{unknown}/plan": "/referrals/v1/cases/{case_id}/plan",
        f"/referrals/v1/fhir/Task/{unknown}": "/referrals/v1/fhir/Task/{referral_id}",
        "/reports/v1/releases": "/reports/v1/releases",
        "/identity/v1/clients": "/identity/v1/clients",
    }
    for path in asked:
        system.running.request("ngo-refugio", "GET", path)
    prefixes = (*(route.prefix for route in ROUTES), "/internal/")
    told: set[str] = set()
    for name in system.state.ports:
        if name not in ("postgres", "nats", "mailbox"):
            found = re.findall(r'ruta_http_request\w*\{.*?route="([^"]*)"', system.measured(name))
            stray = {each for each in found if not each.startswith(prefixes)} - FRONTS_OWN
            assert stray == set(), name
            assert not [each for each in found if re.search(r"[0-9a-f]{8}-", each)], name
            told |= set(found)
    assert set(asked.values()) <= told
    until(
        lambda: (
            set(asked.values())
            <= {span.name.partition(" ")[2] for span in spans_of(list(collector.received))}
        ),
        "every process exports its span",
    )


@pytest.mark.slow
def test_every_metric_of_the_alerts_and_the_dashboard_exists(system: System) -> None:
    known = {seconds_left().name}  # This stack has no certificates to measure.
    for name in system.state.ports:
        if name not in ("postgres", "nats", "mailbox"):
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
