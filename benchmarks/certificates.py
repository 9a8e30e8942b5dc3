"""What it costs the front that the services behind it show certificates.

    python benchmarks/certificates.py [--seconds 4] [--rounds 7]

Two fronts before the same answers at once (`bare`, the hard case): one dials in clear, one with TLS, takes the other for
the service by its certificate. Turns alternate in one run. Measured is the
processor time of the front for each answer, by the kernel's account; ratio = with certificates / without. Beside them a
client's share of a handshake, which a kept connection costs once. Needs wrk (Debian package).
"""

import argparse
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

import psutil  # noqa: E402 - after the path
from gateway.keys import ensure_internal_keys  # noqa: E402 - after the path
from stack.cluster_processes import LIFETIME, new_authority  # noqa: E402 - after the path

from benchmarks.gateway import (  # noqa: E402 - after the path
    INTERNAL,
    ISSUER,
    PATH,
    free_port,
    front_of,
    process,
    token,
    upstream,
    wait_for,
)

_CONNECTIONS = 32


@contextmanager
def fronts(folder: Path) -> Iterator[dict[str, tuple[int, str, str]]]:
    """By way: the front's process, its address, and a token for it."""
    authority = new_authority()
    certificate, key = authority.signed(["localhost"], LIFETIME)
    files = {name: folder / name for name in ("tls.crt", "tls.key", "ca.crt")}
    for file, text in zip(files.values(), (certificate, key, authority.certificate), strict=True):
        file.write_text(text)
    ensure_internal_keys(folder / INTERNAL, folder / "internal-jwks.json")
    tls = ["--ssl-certfile", str(files["tls.crt"]), "--ssl-keyfile", str(files["tls.key"])]
    trusting = {"RUTA_TRUST_FILE": str(files["ca.crt"])}
    with ExitStack() as stack:
        clear = stack.enter_context(upstream(folder, "benchmarks.upstream:bare", 1))
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "benchmarks.upstream:bare", "--port", str(port)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", *tls]
        given = {
            "RUTA_INTERNAL_JWKS_FILE": str(folder / "internal-jwks.json"),
            "BENCH_DOCUMENTS": str(folder / "well-known"),
        }
        stack.enter_context(process(command, 1, given))
        found = {}
        for way, behind, more in (("clear", clear, {}), ("certificates", port, trusting)):
            at = free_port()
            environment = front_of(folder, at, behind, behind) | more
            scheme = "https" if more else "http"
            for name in ("RUTA_ISSUER_URL", "RUTA_DIRECTORY_URL"):
                environment[name] = f"{scheme}://localhost:{behind}"
            pid = stack.enter_context(
                process([sys.executable, "-m", "gateway", "front"], 0, environment)
            )
            wait_for(f"http://127.0.0.1:{at}/readyz")
            access = token(folder / "issuer.pem", ISSUER, "ruta", "at+jwt")
            found[way] = (pid, f"http://127.0.0.1:{at}{PATH}", access)
        yield found


def cost(pid: int, url: str, access: str, seconds: float) -> float:
    """Microseconds of the front's processor time for each answer."""
    front = psutil.Process(pid)
    before = sum(front.cpu_times()[:2])
    load = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds:.0f}s"]
    done = subprocess.run(
        ["taskset", "-c", "1", *load, "-H", f"Authorization: Bearer {access}", url],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(done.stdout)
    (answers,) = [line.split()[0] for line in done.stdout.splitlines() if "requests in" in line]
    return (sum(front.cpu_times()[:2]) - before) / int(answers) * 1e6


def handshakes(times: int = 300) -> float:
    """Microseconds of a client's processor time for each verified handshake, in memory."""
    authority = new_authority()
    certificate, key = authority.signed(["localhost"], LIFETIME)
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        pair.write_text(certificate + key)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pair)
    client = ssl.create_default_context(cadata=authority.certificate)
    spent = 0.0
    for _ in range(times):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        theirs = server.wrap_bio(to_server, to_client, server_side=True)
        done = [False, False]
        while not all(done):
            for place, end in enumerate((ours, theirs)):
                began = time.process_time()
                try:
                    end.do_handshake()
                    done[place] = True
                except ssl.SSLWantReadError:
                    pass
                if place == 0:
                    spent += time.process_time() - began
    return spent / times * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("no wrk here (Debian package wrk)")
        return
    with tempfile.TemporaryDirectory() as folder, fronts(Path(folder)) as found:
        costs: dict[str, list[float]] = {way: [] for way in found}
        for way in found:
            cost(*found[way], 1)
        for _ in range(options.rounds):
            for way, (pid, url, access) in found.items():
                costs[way].append(cost(pid, url, access, options.seconds))
        for way, values in costs.items():
            print(
                f"{way:<14} {statistics.median(values):6.0f} µs an answer (processor time of the front)"
            )
        ratios = [
            tls / clear for clear, tls in zip(costs["clear"], costs["certificates"], strict=True)
        ]
        print(
            f"ratio          {statistics.median(ratios):6.3f}  {min(ratios):.3f}–{max(ratios):.3f}"
        )
        print(f"a handshake    {handshakes():6.0f} µs of the front's; {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
