"""A push service on loopback for Chromium. The browser subscribes and stays connected as with its vendor's service
(GCM). A sender posts to a subscription according to RFC 8030 and RFC 8292."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import JWTError, jwt
from jose.utils import base64url_decode

from tests.support.channel_servers import certificate

_LOOPBACK = "127.0.0.1"
_DEVICE, _SECRET = 1234567890, 9876543210
_VERSION = b"\x29"
# Tags of the vendor's messages.
_LOGIN_RESPONSE, _DATA = 3, 8
_DAY = 86_400


@dataclass(frozen=True)
class Posted:
    """A posted message. `claims` are those of the verified signature."""

    headers: dict[str, str]
    claims: dict[str, object]
    body: bytes


@dataclass
class PushService:
    """A running push service. `statuses` are the status codes of the next responses, before 201. `url` is the address
    for posts."""

    statuses: list[int] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    subscriptions: dict[str, dict[str, str]] = field(default_factory=dict)
    """What the browser registered, by token."""
    url: str = ""
    mcs: str = ""
    _browser: ssl.SSLSocket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def options(self) -> list[str]:
        """Return Chromium's options for this service."""
        return [
            f"--gcm-checkin-url={self.url}/checkin",
            f"--gcm-registration-url={self.url}/register",
            f"--gcm-mcs-endpoint={self.mcs}",
            "--ignore-certificate-errors",  # The vendor's channel is TLS, and nobody vouches for this one.
        ]

    @property
    def redirects(self) -> str:
        """Return a script for pages that redirects subscriptions here, because Chromium names its vendor's host in each
        subscription."""
        return f"""const told = PushSubscription.prototype.toJSON;
            PushSubscription.prototype.toJSON = function () {{
              const found = told.call(this);
              found.endpoint = found.endpoint.replace(/^.*\\/fcm\\/send\\//, '{self.url}/send/');
              return found;
            }};"""

    def register(self, form: dict[str, str]) -> bytes:
        """Return a token for the page's worker or, without one, for the browser itself."""
        worker = form.get("X-subtype", "")
        if form.get("delete") == "true":
            self.subscriptions = {
                token: each
                for token, each in self.subscriptions.items()
                if each["X-subtype"] != worker
            }
        token = f"subscription-{len(self.subscriptions)}"
        if worker and form.get("delete") != "true":
            self.subscriptions[token] = form
        return f"token={token}".encode()

    def post(self, token: str, headers: dict[str, str], body: bytes) -> int:
        """Return the status of a sender's message; an accepted one goes to the browser."""
        subscription = self.subscriptions.get(token)
        if subscription is None:
            return 410
        if "ttl" not in headers:
            return 400  # RFC 8030, 5.2
        try:
            claims = self._signed(subscription["sender"], headers.get("authorization", ""))
        except (JWTError, KeyError, ValueError) as error:
            self.refused.append(str(error))
            return 403
        if self.statuses:
            return self.statuses.pop(0)
        self.posted.append(Posted(headers, claims, body))
        self._deliver(subscription, body)
        return 201

    def _signed(self, sender: str, authorization: str) -> dict[str, object]:
        """Verify the RFC 8292 signature with the key that the page gave when it subscribed."""
        scheme, _, parts = authorization.partition(" ")
        signed = dict(part.strip().split("=", 1) for part in parts.split(","))
        if scheme != "vapid" or signed["k"] != sender:
            raise ValueError("signed with another key")
        point = base64url_decode(sender.encode())
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        claims: dict[str, object] = jwt.decode(signed["t"], text, ["ES256"], audience=self.url)
        if not time.time() < float(str(claims["exp"])) <= time.time() + _DAY:
            raise ValueError("signed for longer than a day")
        return claims

    def _deliver(self, subscription: dict[str, str], body: bytes) -> None:
        number = str(len(self.posted))
        data = (
            _text(2, number)
            + _text(3, subscription["sender"])
            + _text(5, subscription["app"])
            + _block(7, _text(1, "subtype") + _text(2, subscription["X-subtype"]))
            + _text(9, f"message-{number}")
            + (_block(21, body) if body else b"")
        )
        with self._lock:
            assert self._browser is not None, "the browser is not connected"
            self._browser.sendall(bytes([_DATA]) + _number(len(data)) + data)

    def serve_browser(self, connected: ssl.SSLSocket) -> None:
        """Respond to the login and keep the connection open."""
        connected.recv(65_536)
        login = _text(1, "login")
        with self._lock:
            connected.sendall(_VERSION + bytes([_LOGIN_RESPONSE]) + _number(len(login)) + login)
            self._browser = connected
        while connected.recv(65_536):
            pass


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    made = PushService()
    server = ThreadingHTTPServer((_LOOPBACK, 0), _handler(made))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(folder))
    listening = socket.create_server((_LOOPBACK, 0))
    made.url = f"http://{_LOOPBACK}:{server.server_port}"
    made.mcs = f"https://{_LOOPBACK}:{listening.getsockname()[1]}"

    def serve(connected: socket.socket) -> None:
        with suppress(OSError):
            made.serve_browser(context.wrap_socket(connected, server_side=True))

    def accept() -> None:
        with suppress(OSError):  # It was closed.
            while True:
                connected, _ = listening.accept()
                threading.Thread(target=serve, args=(connected,), daemon=True).start()

    for work in (server.serve_forever, accept):
        threading.Thread(target=work, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        listening.close()


def _handler(service: PushService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = 200, b""
            if self.path == "/checkin":
                answer = _checked_in()
            elif self.path == "/register":
                form = {name: each[0] for name, each in parse_qs(body.decode()).items()}
                answer = service.register(form)
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = service.post(self.path.rpartition("/")[2], headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _checked_in() -> bytes:
    """Return a device's number and secret (AndroidCheckinResponse)."""
    milliseconds = int(time.time() * 1000)
    return (
        b"\x08\x01\x18"
        + _number(milliseconds)
        + b"\x39"
        + _DEVICE.to_bytes(8, "little")
        + b"\x41"
        + _SECRET.to_bytes(8, "little")
    )


def _number(value: int) -> bytes:
    """Encode a protobuf varint."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _block(place: int, content: bytes) -> bytes:
    """Encode a protobuf field of bytes, text or a message."""
    return _number(place << 3 | 2) + _number(len(content)) + content


def _text(place: int, content: str) -> bytes:
    return _block(place, content.encode())
