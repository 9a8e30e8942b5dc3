"""The front, with authentication and rate limits.
The benchmark compares it with HAProxy without either.

    python benchmarks/gateway.py [--seconds 5] [--rounds 3]

Both use the same upstream, with one core for the proxy and the other for upstream and load (wrk). Rounds alternate in
one run. There are two upstreams. `service` is a FastAPI app that verifies the internal token as every Ruta service does
(with HAProxy the load itself sends such a token). `bare` is an ASGI callable that returns the same bytes at once. The
targets apply to `service`; `bare` is the hard case. A second HAProxy applies those of the front's rules that it can
(`edge_rules`), which shows what leaving Python would gain. The benchmark needs haproxy and wrk (Debian packages of
these names). If they are missing, it says so and exits with 0.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from common.auth import mint_token
from cryptography.hazmat.primitives import serialization

ROOT = Path(__file__).resolve().parents[1]
# This file has the name of the measured package, so its folder must not come first.
sys.path[0] = str(ROOT)

from gateway.front.routes import ROUTES  # noqa: E402 - after the path
from gateway.keys import (  # noqa: E402 - after the path
    ALGORITHM,
    ensure_internal_keys,
    named_jwk,
    new_private_pem,
    write_private,
)

PATH = "/directory/v1/services"
ISSUER = "https://issuer.bench"
INTERNAL = "internal.pem"
CONNECTIONS = 32
IDLE = 10_000
_DEFAULTS = """
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
"""
_HAPROXY = (
    _DEFAULTS
    + """frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server upstream 127.0.0.1:{upstream}
"""
)


_EDGE = (
    _DEFAULTS
    + """backend rates
  stick-table type string len 64 size 100k expire 2m store http_req_rate(1m)
frontend front
  bind 127.0.0.1:{port}
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.now) date()
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.iss) var(txn.token),jwt_payload_query('$.iss')
  http-request set-var(txn.client) var(txn.token),jwt_payload_query('$.client_id')
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify('ES256','{key}') 1 }}
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str {issuer} }}
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request track-sc0 var(txn.client) table rates
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000000 }}
{routes}
  default_backend absent
backend absent
  http-request return status 404
{backends}
"""
)


def edge_rules(port: int, upstream: int, key: Path, issuer: str) -> str:
    """Return an HAProxy configuration with those of the front's rules that HAProxy can apply, from the route table:
    prefixes and their services, a token's signature, issuer and expiry, and a rate per client. It is a prototype only
    for measuring. It issues no token and knows no revocation, session, cookie, anonymous caller, compression or problem
    detail."""
    rows = [route for route in ROUTES if not route.for_people]
    lines = [f"  use_backend {row.upstream} if {{ path_beg {row.prefix}/ }}" for row in rows]
    answering = sorted({str(row.upstream) for row in rows})
    backends = [f"backend {name}\n  server one 127.0.0.1:{upstream}" for name in answering]
    return _EDGE.format(
        port=port, key=key, issuer=issuer, routes="\n".join(lines), backends="\n".join(backends)
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(arguments: list[str], core: int | None, environment: dict[str, str]) -> Iterator[int]:
    """Run a child process, bound to one core if given; return its process id."""
    child = subprocess.Popen(
        arguments if core is None else ["taskset", "-c", str(core), *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def wrk(
    url: str,
    token: str,
    connections: int,
    seconds: float,
    core: int | None = None,
    script: Path | None = None,
) -> tuple[float, float]:
    """Return requests per second and median latency in microseconds. `script` chooses the requests at the URL's port."""
    bound = [] if core is None else ["taskset", "-c", str(core)]
    load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency"]
    load += [] if script is None else ["-s", str(script)]
    done = subprocess.run(
        [*bound, *load, "-H", f"Authorization: Bearer {token}", url],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(done.stdout)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]  # wrk prints it
    found = re.search(r"50%\s+([\d.]+)(us|ms|s)", done.stdout)
    assert found
    return rate, float(found[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[found[2]]


def measure(targets: dict[str, tuple[str, str]], options: argparse.Namespace) -> dict[str, Any]:
    """Return medians over rounds that alternate between the targets: rate with 32 connections, and latency with 1."""
    rates: dict[str, list[float]] = {name: [] for name in targets}
    latencies: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(options.rounds):
        for name, (url, token) in targets.items():
            rates[name].append(wrk(url, token, CONNECTIONS, options.seconds, 1)[0])
            latencies[name].append(wrk(url, token, 1, options.seconds / 2, 1)[1])
    return {
        "rate": {name: statistics.median(values) for name, values in rates.items()},
        "median": {name: statistics.median(values) for name, values in latencies.items()},
    }


def resident_mebibytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def stream(front: str, token: str, pid: int) -> float:
    """Return the memory growth in MiB while 100 MB passed through."""
    # Request it uncompressed, because compression would shrink the hundred megabytes to a tenth of one.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    before = highest = resident_mebibytes(pid)
    received = 0
    with httpx.stream(
        "GET", f"{front}/directory/v1/stream-100", headers=headers, timeout=120
    ) as answer:
        for number, chunk in enumerate(answer.iter_raw()):
            received += len(chunk)
            if number % 100 == 0:
                highest = max(highest, resident_mebibytes(pid))
    assert received == 100 * 2**20, received
    return highest - before


def idle(port: int, pid: int) -> tuple[int, float]:
    """Return the number of idle connections and the front's memory with them, in MiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, IDLE + 500)), hard))
    opened: list[socket.socket] = []
    try:
        for _ in range(IDLE):
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=10))  # noqa: PERF401 - kept when one fails
    except OSError as error:
        print(f"  only {len(opened)} connections: {error}")
    time.sleep(1.5)
    memory = resident_mebibytes(pid)
    for connection in opened:
        connection.close()
    return len(opened), memory


def front_of(folder: Path, port: int, issuer: int, directory: int) -> dict[str, str]:
    """Return the front's environment. Its signing key is in `folder`, and the port `issuer` responds as the issuer."""
    return {
        "RUTA_ENVIRONMENT": "embedded",
        "RUTA_PORT": str(port),
        "RUTA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RUTA_TOKEN_ISSUER_URL": ISSUER,
        "RUTA_ISSUER_URL": f"http://127.0.0.1:{issuer}",
        "RUTA_DIRECTORY_URL": f"http://127.0.0.1:{directory}",
        "RUTA_INTERNAL_SIGNING_KEY_FILE": str(folder / INTERNAL),
        "RUTA_RATE_PER_CLIENT": "1000000000/minute",
    }


def public_pem(private: str) -> bytes:
    public = serialization.load_pem_private_key(private.encode(), None).public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def token(key: Path, iss: str, aud: str, typ: str) -> str:
    text = key.read_text()
    claims = {
        "sub": "bench",
        "client_id": "bench",
        "scope": "directory:read",
        "roles": ["partner"],
        "org": "0190a000-0000-7000-8000-000000000001",
        "exp": int(time.time()) + 7200,
    }
    return mint_token(
        {**claims, "iss": iss, "aud": aud},
        private_pem=text,
        kid=named_jwk(text)["kid"],
        algorithm=ALGORITHM,
        typ=typ,
    )


@contextmanager
def upstream(folder: Path, app: str, core: int | None) -> Iterator[int]:
    """Run an upstream that also acts as the issuer; its key is created in `folder`."""
    documents = folder / "well-known"
    documents.mkdir(exist_ok=True)
    write_private(folder / "issuer.pem", new_private_pem())
    named = named_jwk((folder / "issuer.pem").read_text())
    (documents / "jwks.json").write_text(json.dumps({"keys": [named]}))
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--loop", "uvloop"]
    uvicorn += ["--http", "httptools", "--no-access-log", "--log-level", "error"]
    given = {
        "RUTA_INTERNAL_JWKS_FILE": str(folder / "internal-jwks.json"),
        "BENCH_DOCUMENTS": str(documents),
    }
    with process(uvicorn, core, given):
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield port


@contextmanager
def before(directory: int, folder: Path) -> Iterator[tuple[int, str]]:
    """Run a front in front of a directory that accepts the key in `folder`; return its port and a token."""
    port = free_port()
    front = [sys.executable, "-m", "gateway", "front"]
    with (
        upstream(folder, "benchmarks.upstream:service", None) as issuer,
        process(front, None, front_of(folder, port, issuer, directory)),
    ):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield port, token(folder / "issuer.pem", ISSUER, "ruta", "at+jwt")


@contextmanager
def stage(folder: Path, upstream_app: str) -> Iterator[dict[str, Any]]:
    """Run the upstream, the front and HAProxy; return tokens for both."""
    front, proxy, edge = free_port(), free_port(), free_port()
    internal = folder / INTERNAL
    ensure_internal_keys(internal, folder / "internal-jwks.json")
    configuration = folder / "haproxy.cfg"
    with upstream(folder, upstream_app, 1) as port:
        configuration.write_text(_HAPROXY.format(port=proxy, upstream=port))
        (folder / "internal-public.pem").write_bytes(public_pem(internal.read_text()))
        rules = folder / "edge.cfg"
        rules.write_text(edge_rules(edge, port, folder / "internal-public.pem", "ruta-gateway"))
        environment = front_of(folder, front, port, port)
        with (
            process([sys.executable, "-m", "gateway", "front"], 0, environment) as pid,
            process(["haproxy", "-f", str(configuration), "-q"], 0, {}),
            process(["haproxy", "-f", str(rules), "-q"], 0, {}),
        ):
            front_url = f"http://127.0.0.1:{front}"
            wait_for(f"{front_url}/readyz")
            wait_for(f"http://127.0.0.1:{proxy}/healthz")
            ours = token(internal, "ruta-gateway", "ruta-directory", "ruta-int+jwt")
            access = token(folder / "issuer.pem", ISSUER, "ruta", "at+jwt")
            yield {
                "pid": pid,
                "front": front_url,
                "access": access,
                "targets": {
                    "direct": (f"http://127.0.0.1:{port}{PATH}", ours),
                    "haproxy": (f"http://127.0.0.1:{proxy}{PATH}", ours),
                    "edge": (f"http://127.0.0.1:{edge}{PATH}", ours),
                    "front": (front_url + PATH, access),
                },
            }


def compare(name: str, measured: dict[str, Any]) -> tuple[float, float]:
    rate, median = measured["rate"], measured["median"]
    ratio = rate["front"] / rate["haproxy"]
    added = {way: median[way] - median["direct"] for way in ("front", "haproxy")}
    latency = added["front"] / max(added["haproxy"], 1.0)
    print(f"upstream {name}:")
    edge = (rate["edge"] / rate["haproxy"], median["edge"] - median["direct"])
    print("  requests/s   " + "  ".join(f"{way} {value:,.0f}" for way, value in rate.items()))
    print("  median µs    " + "  ".join(f"{way} {value:,.0f}" for way, value in median.items()))
    print(f"  throughput front/haproxy          {ratio:.2f}")
    print(f"  added median latency front/haproxy {latency:.2f}")
    print(
        f"  the same rules in HAProxy, as far as they go: throughput {edge[0]:.2f} of it without,"
        f" {edge[1]:.0f} µs added, the front {added['front']:.0f} µs"
    )
    return ratio, latency


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    missing = [tool for tool in ("haproxy", "wrk", "taskset") if shutil.which(tool) is None]
    if missing:
        print(
            f"skipped: {' and '.join(missing)} not installed (apt-get install {' '.join(missing)})"
        )
        return 0
    if (os.cpu_count() or 1) < 2:
        print("skipped: needs two cores")
        return 0
    results = {}
    for name, app in (("service", "service"), ("bare", "bare")):
        with (
            tempfile.TemporaryDirectory() as folder,
            stage(Path(folder), f"benchmarks.upstream:{app}") as made,
        ):
            results[name] = compare(name, measure(made["targets"], chosen))
            if name == "bare":
                grown = stream(made["front"], made["access"], made["pid"])
                port = int(made["front"].rsplit(":", 1)[1])
                count, memory = idle(port, made["pid"])
    ratio, latency = results["service"]
    print(f"throughput ≥ 0.35            {ratio:.2f}  {'met' if ratio >= 0.35 else 'MISSED'}")
    print(f"added median latency ≤ 4     {latency:.2f}  {'met' if latency <= 4 else 'MISSED'}")
    print(f"100 MB stream: memory grew by {grown:.1f} MiB  {'met' if grown < 16 else 'MISSED'}")
    print(
        f"{count:,} idle connections: {memory:.0f} MiB of ≤ 300  {'met' if memory <= 300 else 'MISSED'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
