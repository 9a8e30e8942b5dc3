"""The credentials that a command sends to each gateway."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from stack.embedded.connection import SECRET_VARIABLE, TOKEN_VARIABLE, connect
from stack.errors import StackError
from stack.operate.cluster.authorities import Authority

_ELSEWHERE = "https://ruta.example.org"


def test_elsewhere_a_command_has_what_its_environment_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "of a client")
    assert connect(tmp_path, _ELSEWHERE).secret("admin") == "of a client"
    monkeypatch.setenv(TOKEN_VARIABLE, "given")
    assert connect(tmp_path, _ELSEWHERE).token("admin") == "given"


def test_without_anything_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    with pytest.raises(
        StackError,
        match=f"put the client.s secret in {SECRET_VARIABLE}, or a token in {TOKEN_VARIABLE}",
    ):
        connect(tmp_path, _ELSEWHERE).secret("admin")


def test_the_stack_here_is_shown_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "of a client")
    monkeypatch.setattr("stack.embedded.connection.running_state", lambda _: _Here())
    with pytest.raises(StackError, match="no demo client"):
        connect(tmp_path).secret("admin")


class _Here:
    url = "http://127.0.0.1:8080"


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"items": []}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return a gateway with a certificate from a private CA, and that CA's file."""
    authority = Authority.new("CN=An operation's own")
    certificate, key = authority.signed(["localhost"], timedelta(days=3000))
    paired, ca = tmp_path / "pair.pem", tmp_path / "ca.pem"
    paired.write_text(certificate + key)
    ca.write_text(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paired)
    server = HTTPServer(("127.0.0.1", 0), _Empty)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}", ca
    server.shutdown()
    thread.join()
    server.server_close()


def _list_clients(url: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *options, "client", "list", "--url", url],
        env={TOKEN_VARIABLE: "given", "RUTA_LANGUAGE": "en", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_private_authority_is_trusted_where_it_is_named(private: tuple[str, Path]) -> None:
    url, ca = private
    strange = _list_clients(url)
    assert strange.returncode == 1
    assert f"ruta: the certificate of {url} is not trusted (" in strange.stderr
    assert "./ruta --ca FILE" in strange.stderr
    assert _list_clients(url, "--ca", str(ca)).returncode == 0
    assert _list_clients(url, SSL_CERT_FILE=str(ca)).returncode == 0
    lost = _list_clients(url, SSL_CERT_FILE=str(ca.with_name("lost.pem")))
    assert "lost.pem contains no readable certificate (No such file" in lost.stderr
