"""Each Deployment of an overlay runs with its rendered configuration behind its NetworkPolicies."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from drawing.client import ask_beside, drawn
from stack.embedded.ports import LOOPBACK
from stack.operate.cluster.check import Skipped, built
from stack.operate.cluster.policies import Arrow, design

from tests.deploy.running_pods import RunningPods
from tests.support import pgbouncer
from tests.support.leaving_out import left_out
from tests.support.system import until

pytestmark = [pytest.mark.system, pytest.mark.slow]

_SERVICES = ("directory", "referrals", "reporting")
NEEDED = {
    "small": (
        *((s, "postgres", 5432, "database") for s in (*_SERVICES, "issuer")),
        *((s, "nats", 4222, "broker") for s in _SERVICES),
        *(("gateway", s, 8000, s) for s in (*_SERVICES, "issuer", "console")),
        ("console", "gateway", 8000, "gateway"),
    ),
    "production": (
        *((s, "postgres-pooler", 5432, "database") for s in _SERVICES),
        *((f"{s}-worker", "postgres-pooler", 5432, "database") for s in _SERVICES),
        *((f"{s}-worker", "nats", 4222, "broker") for s in _SERVICES),
        *((s, "postgres-keys", 5432, "keys") for s in ("referrals", "referrals-worker")),
        *(("gateway", s, 8000, s) for s in (*_SERVICES, "console")),
        ("console", "gateway", 8000, "gateway"),
    ),
}
"""Who needs whom, and the part of its readiness that says so when that is refused."""
"""What PgBouncer logs of a client who leaves it at the sight of its certificate."""

LATER: frozenset[Arrow] = frozenset(
    {
        *((s, "outside", port) for s in ("referrals", "directory") for port in (443, 465, 587)),
        *(("reporting", "outside", port) for port in (465, 587)),
        ("console", "otel-collector", 4318),
    }
)
"""Declared and not used by a start: partners' webhooks, mail, short messages and pages, which nobody has asked for yet."""


@pytest.fixture(scope="module", params=sorted(NEEDED))
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPods]:
    """Start the pods; the gateway starts while no policy lets it reach the keys for access tokens."""
    overlay = str(request.param)
    if overlay == "production" and not pgbouncer.is_installed():
        left_out("no pgbouncer here (Debian package pgbouncer)")
    try:
        documents = built(overlay)
    except Skipped as reason:
        left_out(str(reason))
    pods = RunningPods(overlay, documents, tmp_path_factory.mktemp(overlay))
    try:
        pods.start_servers()
        pods.migrate()
        pods.dispatcher.enforce(pods.without("egress", *pods.keys_of_tokens))
        for name in pods.deployments:
            pods.start(name)
        yield pods
    finally:
        pods.stop()


def test_every_deployment_becomes_ready_once_it_reaches_what_it_needs(running: RunningPods) -> None:
    until(lambda: _says(running, "gateway", "token_keys"), "the gateway says what it lacks")
    assert running.ready("gateway")["code"] == 503
    assert running.keys_of_tokens in running.dispatcher.refused
    running.dispatcher.enforce(running.policies)
    for name in running.deployments:
        until(lambda name=name: running.is_well(name), f"{name} is ready")  # type: ignore[misc]
    for name in running.deployments:
        if name != "gateway":  # RutaBrokerAway would fire.
            until(lambda name=name: not _misses_the_broker(running, name), f"{name} has its broker")  # type: ignore[misc]
    running.dispatcher.refused.clear()


def test_what_reporting_asks_for_drawings_is_the_container_beside_it(running: RunningPods) -> None:
    """Only the drawing container of the reporting pod has a drawing engine. It has none of the pod's secrets."""
    drawn_beside = [name for name in running.deployments if running.pods[name].beside]
    assert "reporting" in drawn_beside
    for name in drawn_beside:
        (other,) = running.pods[name].beside
        assert other.environment == {}
        until(lambda name=name: running.lives(name), f"{name}'s drawing answers")  # type: ignore[misc]
        ask_beside(Path(running.pods[name].environment["RUTA_DRAWING_SOCKET"]))
        try:
            files = {"main.typ": b64encode(b"remision").decode()}
            page = drawn("page", {"form": "pdf", "ppi": 72.0, "files": files})
            assert page.startswith(b"%PDF-")
        finally:
            ask_beside(None)


def test_each_way_that_is_declared_is_used_and_none_that_is_refused_is_tried(
    running: RunningPods,
) -> None:
    world, dispatcher = running.world, running.dispatcher
    own = {running.pods[name].service for name in running.deployments}
    ways = {
        arrow
        for arrow in design(running.overlay)
        if arrow[0] in own and _is_deployed(running, arrow[1])
    }

    def unused() -> set[Arrow]:
        used = {
            (world.service(source), world.service(target), port)
            for source, target, port in set(dispatcher.let_through)
        }
        return ways - used

    # Send each service a request, because probes produce no spans.
    for service in _SERVICES:
        scheme = running.address(service).partition(":")[0]
        port = dispatcher.port("gateway", service, 8000)
        answer = running.asked(f"{scheme}://{LOOPBACK}:{port}/{service}/v1/x")
        assert answer.status_code in {401, 404}
    until(lambda: unused() <= LATER, f"all are used but {LATER}")
    assert dispatcher.refused == set()


@pytest.fixture
def verified(running: RunningPods) -> RunningPods:
    """Skip overlays in which processes do not identify each other by certificate."""
    if running.authority is None:
        for pod in running.pods.values():
            assert not any(name.startswith("RUTA_CERTIFICATE") for name in pod.environment)
        pytest.skip("small: one machine, all on its loopback")
    return running


def test_a_call_passes_the_front_and_nobody_answers_without_tls(verified: RunningPods) -> None:
    answer = verified.asked(f"{verified.address('gateway')}/directory/v1/services")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    page = verified.asked(f"{verified.address('gateway')}/referrals/v1/line")
    assert page.status_code == 200, page.text
    for name in verified.deployments:
        clear = verified.address(name).replace("https://", "http://")
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{clear}/healthz", trust_env=False)
    with pytest.raises(
        httpx.RemoteProtocolError
    ):  # An unencrypted greeting would raise this error too.
        httpx.get(f"http://{LOOPBACK}:{verified.dispatcher.processes['nats', 4222]}")


def _is_deployed(running: RunningPods, service: str) -> bool:
    return service == "outside" or any(
        end.labels.get("ruta.service") == service for end in running.world.ends.values()
    )


@pytest.mark.parametrize("way", ["egress", "ingress"])
def test_without_a_rule_that_is_needed_a_service_says_so(running: RunningPods, way: str) -> None:
    """The test removes the rule at each end in turn; the service recovers when the rule is back."""
    for source, target, port, part in NEEDED[running.overlay]:
        running.dispatcher.enforce(running.without(way, source, target, port))
        until(lambda: _says(running, source, part), f"{source} misses {part}")  # noqa: B023
        running.dispatcher.enforce(running.policies)
        until(lambda: running.is_well(source), f"{source} is back")  # noqa: B023


def _misses_the_broker(running: RunningPods, name: str) -> bool:
    return "ruta_broker_connected 0" in running.measured(name)


def _says(running: RunningPods, name: str, part: str) -> bool:
    """Return whether readiness names the part. Without its data or keys a service is not ready at all."""
    said = running.ready(name)
    missing = bool(said.get("parts", {}).get(part) == "unavailable")
    return missing and (said["code"] == 503) == (part in {"database", "keys", "token_keys"})
