"""Local mail, SMS and push servers that respond as a test configures them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from common import clock
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LOGIN = ("ruta", "correct horse battery")


@dataclass
class Relay:
    """An SMTP server with STARTTLS and login. `refused` maps a mailbox to the response to RCPT."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    greylisted: set[str] = field(default_factory=set)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """When RCPT is answered, by mailbox."""
    slow: asyncio.Event | None = None
    """It takes a mail, and says so only when this is set."""
    pause: float = 0.0
    """Seconds before each of two answers, to RCPT and to DATA."""
    stays: asyncio.Event | None = None
    """It answers QUIT only when this is set."""
    mails: list[EmailMessage] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    knocks: int = 0
    """How often somebody came while it was away."""
    _context: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext) -> None:
        """Start the server; a second start uses the same port."""
        self._context = context
        self._server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                self,
                hostname="localhost",
                tls_context=context,
                require_starttls=True,
                auth_required=True,
                authenticator=_login,
            ),
            "127.0.0.1",
            self.port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Stop the server, and start it again after the block. In between, count and drop connections."""
        assert self._context is not None
        self.stop()

        def nobody_is_in(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.knocks += 1
            writer.transport.abort()

        async with await asyncio.start_server(nobody_is_in, "127.0.0.1", self.port):
            yield
        await self.start(self._context)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.sessions.append(str(session.host_name))
        await asyncio.sleep(self.pause)
        if address in self.held:
            await self.held[address].wait()
        if address in self.greylisted:
            self.greylisted.remove(address)
            return "451 4.7.1 Greylisted, try again later"
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(mail, EmailMessage)
        if self.slow is not None:
            await self.slow.wait()
            return "451 4.3.2 too late"
        await asyncio.sleep(self.pause)
        self.mails.append(mail)
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        if self.stays is not None:
            await self.stays.wait()
        return "221 Bye"


def _login(_server: SMTP, _s: Session, _e: Envelope, _mechanism: str, data: object) -> AuthResult:
    sent = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode())
    return AuthResult(success=sent == LOGIN, handled=False)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return (certificate, key), self-signed, for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "relay.pem", folder / "relay.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@asynccontextmanager
async def relay(folder: Path) -> AsyncIterator[tuple[Relay, ssl.SSLContext]]:
    """Yield the server and the certificate that a client must trust."""
    public, private = certificate(folder)
    inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    inside.load_cert_chain(public, private)
    made = Relay()
    await made.start(inside)
    try:
        yield made, ssl.create_default_context(cafile=str(public))
    finally:
        made.stop()


@dataclass
class Answering:
    """An HTTP server that stores its requests and returns the response that a test sets. `drop` cuts the connection
    after the request. `hold` is an event to await before responding."""

    status: int = 201
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hold: asyncio.Event | None = None
    address: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        sent = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.path, sent, await request.read()))
        if self.hold is not None:
            await self.hold.wait()
        if self.drop and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status, text=self.body, headers=self.headers)


@asynccontextmanager
async def answering() -> AsyncIterator[Answering]:
    made = Answering()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
