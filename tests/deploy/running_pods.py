"""An overlay's pods as processes, each with its rendered environment, behind a dispatcher that enforces its policies.

Differences from a cluster: Two of our own servers, with the same roles and databases, replace PostgreSQL's operator.
Each is behind a PgBouncer in session mode that presents the operator's certificate and refuses connections without TLS.
The pooler is Debian's package. Certificates are also valid for loopback (test_cluster.py checks their names in
`stack.operate.cluster.database_certificates`). The broker is one node (tests/common/test_broker_cluster.py uses three).
The OIDC provider is a page with keys, and the collector stores what it receives.
"""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from gateway.keys import named_jwk, new_private_pem
from stack.embedded.manifests import Pod, pods
from stack.embedded.ports import LOOPBACK, answers, free_port
from stack.operate.cluster import database_certificates, process_certificates
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.secrets import DATABASES
from stack.private_files import write_private

from tests.support import pgbouncer
from tests.support.collector import Collector
from tests.support.network_policies import Document, allowing
from tests.support.rendered_world import Asked, Dispatcher, World
from tests.support.system import until

PROVIDER = "sso.example.org"
_SIGNED_FOR = timedelta(days=90)
_KEPT = ("PATH", "HOME", "LANG")
_WITH_TLS = {
    "client_tls_sslmode": "require",
    # The relay sets this parameter at startup. A server accepts it, but PgBouncer can only ignore it.
    "ignore_startup_parameters": "extra_float_digits,synchronous_commit",
}


class RunningPods:
    """The running pods of an overlay. `start` starts servers, migrations, and all pods except those that start
    later."""

    def __init__(self, overlay: str, documents: list[dict[str, Any]], folder: Path) -> None:
        made = cluster_secrets.documents(cluster_secrets.target(overlay))
        self.authority = _on_the_loopback(made)
        self.documents = [*documents, *made]
        self.overlay, self.folder = overlay, folder
        self.passwords = _passwords(made)
        self.certified = database_certificates.certified(documents)
        self.world = World.of(documents, outside=[PROVIDER])
        self.policies = [d for d in documents if d["kind"] == "NetworkPolicy"]
        self.dispatcher = Dispatcher(self.world, self.policies)
        self.collector = Collector()
        self.pods = {
            pod.name: pod
            for pod in pods(self.documents, folder / "mounted", {})
            if pod.service not in {"postgres", "nats", "otel-collector"}
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self._provider: ThreadingHTTPServer | None = None

    @property
    def deployments(self) -> list[str]:
        return [pod.name for pod in self.pods.values() if pod.kind == "Deployment"]

    @property
    def keys_of_tokens(self) -> Asked:
        """Return the connection over which the gateway gets the keys for access tokens."""
        outside = PROVIDER in self.pods["gateway"].environment["RUTA_TOKEN_ISSUER_URL"]
        return ("gateway", "outside", 443) if outside else ("gateway", "issuer", 8000)

    def without(self, way: str, source: str, target: str, port: int) -> list[Document]:
        """Return the policies without the rules that let `source` reach `target` in one direction."""
        ends = self.world.ends
        own, peer = (source, target) if way == "egress" else (target, source)
        changed: list[Document] = []
        for policy in self.policies:
            gone = allowing(policy, way, ends[own], ends[peer], ends[target], port)
            left = [rule for rule in policy["spec"].get(way) or [] if rule not in gone]
            changed.append({**policy, "spec": {**policy["spec"], way: left}} if gone else policy)
        return changed

    def start_servers(self) -> None:
        secrets = self.folder / "passwords"
        for name, password in self.passwords.items():
            write_private(secrets / name, password)
        databases = sorted({"postgres", "postgres-keys"} & self.world.ends.keys())
        for name in databases:
            self._serve(name, "postgres", 5432, "--secrets", str(secrets))
        self._serve("nats", "nats", 4222, *self._certificate_of_the_broker())
        for name in databases:
            port = self.dispatcher.processes[name, 5432]
            until(lambda port=port: answers(port), f"{name} answers")  # type: ignore[misc]
            if name in self.certified:
                settings = {"pool_mode": "session", "default_pool_size": 100, **_WITH_TLS}
                self._bounce(f"{name}-rw", (name, 5432), port, settings, self._shown(name))
        broker = self.dispatcher.processes["nats", 4222]
        until(lambda: answers(broker), "the broker answers")
        collector = urlsplit(self.collector.url).port
        assert collector is not None
        self.dispatcher.processes["otel-collector", 4318] = collector
        if "postgres-pooler" in self.world.ends:
            self._pool()
        self._provide()

    def migrate(self) -> None:
        for name, pod in self.pods.items():
            if pod.kind == "Job":
                done = self.done(name)
                assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

    def done(self, job: str) -> subprocess.CompletedProcess[str]:
        pod = self.pods[job]
        return subprocess.run(
            [sys.executable, "-m", *pod.arguments],
            env=self._environment(pod),
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str) -> None:
        """Start the pod as the kubelet would, with its command, environment and files."""
        pod = self.pods[name]
        assert pod.port is not None
        port = free_port()
        self.dispatcher.processes[name, pod.port] = port
        environment = {**self._environment(pod), "RUTA_HOST": LOOPBACK, "RUTA_PORT": str(port)}
        self._run(name, [sys.executable, "-m", *pod.arguments], environment)
        for other in pod.beside:
            command = [sys.executable, "-m", *other.arguments]
            self._run(f"{name}-{other.name}", command, self._own() | other.environment)

    def lives(self, name: str) -> bool:
        """Return whether the probe of each additional container in the pod succeeds, run as the kubelet would."""
        probes = [(other.probe, other.environment) for other in self.pods[name].beside]
        return all(
            subprocess.run(
                [sys.executable, *probe[1:]],
                env=self._own() | environment,
                capture_output=True,
                check=False,
            ).returncode
            == 0
            for probe, environment in probes
        )

    def _certificate_of_the_broker(self) -> list[str]:
        if self.authority is None:
            return []
        folder = self.folder / f"broker-{len(self._processes)}"
        folder.mkdir()
        files = {"certificate": folder / "tls.crt", "key": folder / "tls.key"}
        for file, text in zip(files.values(), _shown(self.authority, "nats"), strict=True):
            write_private(file, text)
        return [part for name, file in files.items() for part in (f"--{name}", str(file))]

    def address(self, name: str) -> str:
        """Return the base URL at which a pod's process listens."""
        scheme = "http" if self.authority is None else "https"
        return f"{scheme}://{LOOPBACK}:{self.dispatcher.processes[name, self.pods[name].port or 0]}"

    def asked(self, url: str) -> httpx.Response:
        """Request the URL as a client that trusts our authority's certificates, and return the response."""
        if self.authority is None:
            return httpx.get(url, timeout=20, trust_env=False)
        known = ssl.create_default_context(cadata=self.authority.certificate)
        return httpx.get(url, timeout=20, trust_env=False, verify=known)

    def ready(self, name: str) -> dict[str, Any]:
        """Return the status and the parts that the readiness probe reports, with the HTTP code, or an empty dict
        without a response."""
        try:
            answer = self.asked(f"{self.address(name)}/readyz")
            said: dict[str, Any] = answer.json()
        except (httpx.TransportError, ValueError):
            return {}
        return {**said, "code": answer.status_code}

    def is_well(self, name: str) -> bool:
        return self.ready(name).get("status") == "ok"

    def measured(self, name: str) -> str:
        """Return the metrics that Prometheus reads from the pod. The front requires its key, so it returns none."""
        return self.asked(f"{self.address(name)}/metrics").text

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait()
        if self._provider is not None:
            self._provider.shutdown()
            self._provider.server_close()
        self.collector.close()
        self.dispatcher.close()

    def _environment(self, pod: Pod) -> dict[str, str]:
        own = self.dispatcher.rendered(pod.name, pod.environment)
        own |= {"RUTA_STREAM_REPLICAS": "1"} if "RUTA_STREAM_REPLICAS" in own else {}
        return self._own() | own

    def _own(self) -> dict[str, str]:
        return {key: os.environ[key] for key in _KEPT if key in os.environ}

    def _serve(self, name: str, server: str, port: int, *more: str) -> None:
        own = free_port()
        self.dispatcher.processes[name, port] = own
        data = self.folder / name
        data.mkdir()
        environment = self._own() | _secret(self.documents, "ruta-nats")
        command = [sys.executable, "-m", "stack", "serve", server, "--data", str(data)]
        options = ["--port", str(own), "--listen", LOOPBACK, *more]
        self._run(name, [*command, *options], environment)

    def _pool(self) -> None:
        """Start PgBouncer with the Pooler's settings. Network policies apply to its connections to PostgreSQL."""
        pooler = next(d for d in self.documents if d["kind"] == "Pooler")
        said = pooler["spec"]["pgbouncer"]
        target = self.dispatcher.port("postgres-pooler", "postgres", 5432)
        files = self._shown(pooler["spec"]["cluster"]["name"])
        files["server_tls_ca_file"] = self._databases().certificate
        settings = {"pool_mode": said["poolMode"], **said["parameters"]}
        self._bounce("postgres-pooler", ("postgres-pooler", 5432), target, settings, files)

    def _bounce(
        self,
        name: str,
        place: tuple[str, int],
        target: int,
        settings: Mapping[str, object],
        files: Mapping[str, str],
    ) -> None:
        """Start PgBouncer at `place`, in front of the server on port `target`."""
        port = free_port()
        command = pgbouncer.command(
            self.folder / name, port, target, self.passwords, settings, files
        )
        self.dispatcher.processes[place] = port
        self._run(name, command, dict(os.environ))
        until(lambda: answers(port), f"{name} answers")

    def _shown(self, cluster: str) -> dict[str, str]:
        """Return a cluster's certificate as the operator signs it and the pooler presents it."""
        names = self.certified[cluster]
        certificate, key = self._databases().signed(names, _SIGNED_FOR, addresses=[LOOPBACK])
        return {"client_tls_cert_file": certificate, "client_tls_key_file": key}

    def _databases(self) -> Authority:
        return _authority(self.documents, database_certificates.AUTHORITY)

    def _provide(self) -> None:
        """Serve keys where the gateway expects an OIDC provider."""
        gateway = self.pods["gateway"]
        if PROVIDER not in gateway.environment["RUTA_TOKEN_ISSUER_URL"]:
            return
        issuer = self._environment(gateway)["RUTA_TOKEN_ISSUER_URL"]
        self._provider = _provider(issuer)
        self.dispatcher.processes["outside", 443] = self._provider.server_port

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )


def _authority(documents: list[dict[str, Any]], name: str) -> Authority:
    secret = _secret(documents, name)
    return Authority(secret["ca.crt"], secret["ca.key"])


def _shown(authority: Authority, service: str) -> tuple[str, str]:
    names = process_certificates.NAMES[service]
    return authority.signed(names, _SIGNED_FOR, addresses=[LOOPBACK])


def _on_the_loopback(made: list[dict[str, Any]]) -> Authority | None:
    """Sign certificates for the cluster's names and for loopback, with the same authority."""
    if not any(d["metadata"]["name"] == process_certificates.AUTHORITY for d in made):
        return None
    authority = _authority(made, process_certificates.AUTHORITY)
    for service in process_certificates.NAMES:
        held = _secret(made, process_certificates.certificate_of(service))
        held["tls.crt"], held["tls.key"] = _shown(authority, service)
    return authority


def _provider(issuer: str) -> ThreadingHTTPServer:
    place = urlsplit(issuer).path
    pages = {
        f"{place}/.well-known/openid-configuration": {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/keys",
        },
        f"{place}/keys": {"keys": [named_jwk(new_private_pem())]},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(pages.get(self.path, {})).encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_parts: object) -> None:
            """Keep the terminal quiet."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _secret(documents: list[dict[str, Any]], name: str) -> dict[str, str]:
    found: dict[str, str] = next(
        d["stringData"]
        for d in documents
        if d["kind"] == "Secret" and d["metadata"]["name"] == name
    )
    return found


def _passwords(made: list[dict[str, Any]]) -> dict[str, str]:
    """Return every role's password from the overlay's Secrets, which contain one for all or one per role."""
    names = {d["metadata"]["name"] for d in made}
    if "ruta-postgres" in names:
        return _secret(made, "ruta-postgres")
    roles = [f"{name}_{kind}" for name in DATABASES for kind in ("owner", "app")]
    held = {role: _secret(made, f"ruta-role-{role.replace('_', '-')}") for role in roles}
    assert all(one["username"] == role for role, one in held.items())
    return {role: one["password"] for role, one in held.items()} | {"superuser": "x" * 32}
