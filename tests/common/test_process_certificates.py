"""Ruta's processes identify each other and the broker only by certificate. No connection is unencrypted."""

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.errors import Problem
from common.messaging import Broker
from common.process.certificates import tell_certificates
from common.settings import CoreSettings
from gateway.front.routes import Upstream
from gateway.front.settings import FrontSettings
from gateway.front.upstreams import Upstreams
from gateway.keys import ensure_internal_keys
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from stack.embedded.nats import NatsServer
from stack.embedded.ports import LOOPBACK, free_port
from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.commands import _ASK
from stack.operate.cluster.process_certificates import LIFETIME, new_authority
from structlog.testing import capture_logs

from tests.common import sample
from tests.support.patience import PATIENCE
from tests.support.system import until

NAME = "localhost"
OURS, ANOTHER = new_authority(), new_authority()
LATE = LIFETIME + timedelta(days=1)
WRONG: list[tuple[str, Callable[[], tuple[str, str]], str]] = [
    ("of another authority", lambda: ANOTHER.signed([NAME], LIFETIME), "by another authority"),
    ("for another name", lambda: OURS.signed(["other"], LIFETIME), "not for the host in the URL"),
    (
        "that has ended",
        lambda: OURS.signed([NAME], LIFETIME, since=LATE),
        "is not valid now",
    ),
]
BY_WHAT = [(shown, said) for _, shown, said in WRONG]
NAMED = [name for name, _, _ in WRONG]
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Files:
    """The certificate files that a pod mounts."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self.trust = folder / "ca.crt"
        self.show(OURS.signed([NAME], LIFETIME))
        self.trust.write_text(OURS.certificate)

    def show(self, pair: tuple[str, str]) -> None:
        """Replace the files at once, as a Secret's volume does."""
        for file, text in zip((self.certificate, self.key), pair, strict=True):
            new = file.with_suffix(".new")
            new.write_text(text)
            new.replace(file)

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def known_by(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate)


@contextmanager
def console(folder: Path, files: Files) -> Iterator[str]:
    """Start a process that serves requests as every service does, and yield its address."""
    ensure_internal_keys(folder / "internal.pem", folder / "jwks.json")
    port = free_port()
    told = {
        "RUTA_PORT": str(port),
        "RUTA_GATEWAY_URL": f"https://{NAME}:1",
        "RUTA_INTERNAL_JWKS_FILE": str(folder / "jwks.json"),
        "RUTA_CERTIFICATE_FILE": str(files.certificate),
        "RUTA_CERTIFICATE_KEY_FILE": str(files.key),
        "RUTA_TRUST_FILE": str(files.trust),
    }
    with (folder / "console.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console"], env=os.environ | told, stdout=log, stderr=log
        )
    try:
        until(lambda: "Uvicorn running" in (folder / "console.log").read_text(), "it serves")
        yield f"{NAME}:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_who_has_a_certificate_answers_nobody_without_tls(tmp_path: Path, files: Files) -> None:
    with console(tmp_path, files) as place:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://{place}/healthz", trust_env=False)
        answer = httpx.get(f"https://{place}/healthz", trust_env=False, verify=known_by(OURS))
        assert answer.status_code == 200


def test_doctor_asks_such_a_process_from_inside_its_pod(tmp_path: Path, files: Files) -> None:
    with console(tmp_path, files) as place:
        told = {
            "RUTA_PORT": place.rpartition(":")[2],
            "RUTA_CERTIFICATE_FILE": str(files.certificate),
            "RUTA_TRUST_FILE": str(files.trust),
        }
        done = subprocess.run(
            [sys.executable, "-c", _ASK, "/healthz"],
            env=os.environ | told,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.startswith("200\n"), done.stderr


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path, files: Files) -> None:
    """The process keeps using the old certificate if the new one is invalid."""

    def shown_by(authority: Authority, place: str) -> bool:
        with contextlib.suppress(httpx.ConnectError):
            health = f"https://{place}/healthz"
            return httpx.get(health, trust_env=False, verify=known_by(authority)).is_success
        return False

    with console(tmp_path, files) as place:
        assert shown_by(OURS, place)
        files.show(ANOTHER.signed([NAME], LIFETIME))
        assert shown_by(ANOTHER, place)
        assert not shown_by(OURS, place)
        files.show(("half of", "a file"))
        assert shown_by(ANOTHER, place)
        assert "certificate_unusable" in (tmp_path / "console.log").read_text()
        ends = httpx.get(f"https://{place}/metrics", trust_env=False, verify=known_by(ANOTHER)).text
        assert 'ruta_certificate_seconds_left{certificate="trusted"}' in ends


def test_of_each_certificate_prometheus_is_told_how_long_it_lasts(files: Files) -> None:
    registry = CollectorRegistry()
    told = CoreSettings(
        certificate_file=files.certificate, certificate_key_file=files.key, trust_file=files.trust
    )
    tell_certificates(registry, told)

    def days(certificate: str) -> float:
        labels = {"certificate": certificate}
        left = registry.get_sample_value("ruta_certificate_seconds_left", labels)
        assert left is not None
        return left / 86400

    assert 363 < days("own") < 365
    assert days("trusted") > 3600
    files.show(OURS.signed([NAME], timedelta(days=20)))
    assert 18 < days("own") < 20
    nothing = CollectorRegistry()
    tell_certificates(nothing, CoreSettings())
    assert list(nothing.collect()) == []


def front(files: Files, port: int, folder: Path) -> FrontSettings:
    ensure_internal_keys(folder / "internal.pem", folder / "jwks.json")
    return FrontSettings(
        directory_url=f"https://{NAME}:{port}",
        token_issuer_url="https://sso.example.org",
        internal_signing_key_file=folder / "internal.pem",
        trust_file=files.trust,
    )


@asynccontextmanager
async def service(context: ssl.SSLContext | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Start a server that responds to any request; yield its port and the requests that it received."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(_OK)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


async def _asked(upstreams: Upstreams) -> bytes:
    async with upstreams.answer(Upstream.DIRECTORY, "GET", b"/x", [], None) as answer:
        return await answer.read()


@asynccontextmanager
async def upstreams(settings: FrontSettings) -> AsyncIterator[Upstreams]:
    made = Upstreams(settings)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def test_the_front_takes_who_shows_the_right_one_and_keeps_the_connection(
    tmp_path: Path, files: Files
) -> None:
    async with (
        service(files.context) as (port, heard),
        upstreams(front(files, port, tmp_path)) as asking,
    ):
        assert [await _asked(asking) for _ in range(3)] == [b"ok"] * 3
        assert asking.session.connector is not None
        (kept,) = asking.session.connector._conns.values()
        assert len(kept) == 1
        assert await asking.alive(Upstream.DIRECTORY)
        assert len(heard) == 4


@pytest.mark.parametrize(("shown", "said"), BY_WHAT, ids=NAMED)
async def test_the_front_tells_nothing_to_who_shows_a_certificate(
    tmp_path: Path, files: Files, shown: Callable[[], tuple[str, str]], said: str
) -> None:
    files.show(shown())
    async with (
        service(files.context) as (port, heard),
        upstreams(front(files, port, tmp_path)) as asking,
    ):
        with capture_logs() as logs, pytest.raises(Problem) as refused:
            await _asked(asking)
        assert refused.value.kind.status == 503
        (line,) = [one for one in logs if one["event"] == "upstream_not_trusted"]
        assert line["upstream"] == "directory"
        assert line["remedy"].startswith(f"RUTA_TRUST_FILE={files.trust}: the server's certificate")
        assert said in line["remedy"]
        assert not await asking.alive(Upstream.DIRECTORY)
        assert heard == []


async def test_nor_to_who_speaks_no_tls(tmp_path: Path, files: Files) -> None:
    async with (
        service(None) as (port, heard),
        upstreams(front(files, port, tmp_path)) as asking,
    ):
        with capture_logs() as logs, pytest.raises(Problem):
            await asyncio.wait_for(_asked(asking), PATIENCE)
        assert not any(b"GET" in one for one in heard)
        assert {one["event"] for one in logs} <= {"upstream_not_trusted"}


async def test_a_new_authority_counts_at_the_next_connection(tmp_path: Path, files: Files) -> None:
    """During the change both authorities are accepted; afterwards the old one is rejected."""
    async with service(files.context) as (port, _):
        files.trust.write_text(ANOTHER.certificate)
        settings = front(files, port, tmp_path)
        async with upstreams(settings) as asking:
            with pytest.raises(Problem):
                await _asked(asking)
        async with upstreams(settings) as asking:
            new = files.trust.with_suffix(".new")
            new.write_text(ANOTHER.certificate + OURS.certificate)
            new.replace(files.trust)
            assert await _asked(asking) == b"ok"


@contextmanager
def broker(folder: Path, files: Files | None) -> Iterator[NatsServer]:
    shown = (files.certificate, files.key) if files else None
    server = NatsServer(folder / "nats", {"directory": "x" * 32}, durable=False, certificate=shown)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def by_certificate(settings: sample.Settings, server: NatsServer, files: Files) -> sample.Settings:
    told: dict[str, Any] = {
        **{name: getattr(settings, name) for name in type(settings).model_fields},
        "nats_url": f"tls://{NAME}:{server.port}",
        "nats_password": "x" * 32,
        "trust_file": files.trust,
    }
    return sample.Settings(**told)


async def _connects(settings: sample.Settings, until_said: str | None = None) -> bool:
    """Return True once a service reaches the broker, or False once it has logged the expected error."""
    dialling = Broker(settings)
    with capture_logs() as logs:
        await dialling.start()
        try:
            async with asyncio.timeout(PATIENCE):
                while not dialling.connected:
                    remedies = [one.get("remedy", "") for one in logs]
                    if until_said is not None and any(until_said in one for one in remedies):
                        return False
                    await asyncio.sleep(0.02)
            return True
        finally:
            await dialling.stop()


async def test_a_service_knows_the_broker_by_its_certificate(
    tmp_path: Path, files: Files, settings: sample.Settings
) -> None:
    with broker(tmp_path, files) as server:
        assert await _connects(by_certificate(settings, server, files))


@pytest.mark.parametrize(("shown", "said"), BY_WHAT, ids=NAMED)
async def test_no_broker_is_told_a_password_that_shows_one(
    tmp_path: Path,
    files: Files,
    settings: sample.Settings,
    shown: Callable[[], tuple[str, str]],
    said: str,
) -> None:
    files.show(shown())
    with broker(tmp_path, files) as server:
        assert not await _connects(by_certificate(settings, server, files), said)


async def test_nor_is_one_that_says_in_clear_that_it_needs_no_tls(
    files: Files, settings: sample.Settings, nats_server: NatsServer
) -> None:
    """A client refuses a broker that offers no TLS. The library would otherwise continue unencrypted, so an attacker
    could send such an offer."""
    ours = by_certificate(settings, nats_server, files).model_copy(
        update={"nats_password": settings.nats_password}
    )
    assert not await _connects(ours, "speaks no TLS")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"directory_url": "http://directory:8000"}, "RUTA_DIRECTORY_URL goes in clear"),
        ({"issuer_url": "http://issuer:8000"}, "RUTA_ISSUER_URL goes in clear"),
        (
            {"reporting_url": "https://one:8000 http://two:8000"},
            "RUTA_REPORTING_URL goes in clear",
        ),
        ({"certificate_file": True}, "set both or neither"),
    ],
)
def test_who_has_authorities_dials_nobody_in_clear(
    tmp_path: Path, files: Files, told: dict[str, Any], said: str
) -> None:
    ensure_internal_keys(tmp_path / "internal.pem", tmp_path / "jwks.json")
    if "certificate_file" in told:
        told = {"certificate_file": files.certificate}
    with pytest.raises(ValidationError, match=said):
        FrontSettings(
            token_issuer_url="https://sso.example.org",
            internal_signing_key_file=tmp_path / "internal.pem",
            trust_file=files.trust,
            **told,
        )
