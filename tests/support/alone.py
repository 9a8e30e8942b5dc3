"""Runs one program for a benchmark: a service, or a minimal app that returns the same bytes."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.embedded.ports import free_port

from tests.support.reference import ROOT

_BARE = """
import os, uvicorn
BODY = open(os.environ["BODY"], "rb").read()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, port=int(os.environ["PORT"]), loop="uvloop", http="httptools",
            log_level="warning", access_log=False, lifespan="off")
"""


@contextmanager
def process(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    """Yield the process once it responds, and stop it after the block."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT)
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=2).request("GET", "/healthz")
                break
            except OSError:
                if time.monotonic() > deadline or child.poll() is not None:
                    raise
                time.sleep(0.1)
        yield
    finally:
        child.terminate()
        child.wait(20)


@contextmanager
def bare(body: bytes, folder: Path) -> Iterator[int]:
    """Run an ASGI app that returns only the given bytes, and yield its port."""
    port = free_port()
    (folder / "body").write_bytes(body)
    environment = {"BODY": str(folder / "body"), "PORT": str(port)}
    with process([sys.executable, "-c", _BARE], environment, port):
        yield port
