"""The check compares the lock file with published vulnerabilities. If it cannot, it reports that."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from stack.develop import advisories

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.laborious,
    pytest.mark.skipif(
        shutil.which("uv") is None, reason="uv is not on the path: run by ./ruta test"
    ),
]
ADVISORY = {"id": "OSV-1", "modified": "2026-01-01T00:00:00Z", "summary": "opens every door"}


@contextmanager
def source(vulnerable: str) -> Iterator[str]:
    """Run a server that responds as OSV does; one package has a vulnerability."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            named = {"vulns": [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]}
            self._say(
                {
                    "results": [
                        named if each["package"]["name"] == vulnerable else {} for each in asked
                    ]
                }
            )

        def do_GET(self) -> None:
            package = {"ecosystem": "PyPI", "name": vulnerable}
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
            self._say({**ADVISORY, "affected": [{"package": package, "ranges": ranges}]})

        def _say(self, what: object) -> None:
            content = json.dumps(what).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Osv) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize(("vulnerable", "code"), [("orjson", 1), ("nothing-of-ours", 0)])
def test_a_known_vulnerability_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], vulnerable: str, code: int
) -> None:
    with source(vulnerable) as url:
        monkeypatch.setenv("RUTA_ADVISORIES_URL", url)
        assert advisories.compare(ROOT) == code
    assert ("opens every door" in capsys.readouterr().out) is (code == 1)


def test_where_no_source_can_be_reached_nothing_is_called_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUTA_ADVISORIES_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    assert advisories.compare(ROOT) == advisories.NOT_COMPARED
