"""A software passkey that can also do what a real one never would."""

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _NEW = 0x01, 0x04, 0x40


class Key:
    """A passkey. `origin` is the page that the key believes it is on. With `counts`, the key counts its uses as
    hardware does; otherwise it reports 0."""

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin, self._counts = origin, counts
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0
        self.holder = b""

    def register(self, question: str, *, origin: str | None = None, verified: bool = True) -> str:
        """Sign the challenge of the page that adds a passkey, and return the response."""
        asked = json.loads(question)
        self.holder = _bytes(asked["user"]["id"])
        numbers = self._private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        held = bytes(16) + len(self.id).to_bytes(2) + self.id + encode_cbor(public)
        data = self._data(asked["rp"]["id"], verified, _NEW) + held
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._credential(
            clientDataJSON=_client_data("webauthn.create", asked, origin or self.origin),
            attestationObject=encode_cbor(attestation),
        )

    def answer(
        self,
        question: str,
        *,
        origin: str | None = None,
        host: str | None = None,
        verified: bool = True,
        holder: bytes | None = None,
        signature: bytes | None = None,
    ) -> str:
        """Sign the challenge of the sign-in page, and return the response."""
        asked = json.loads(question)
        data = self._data(host or asked["rpId"], verified)
        client = _client_data("webauthn.get", asked, origin or self.origin)
        signed = self._private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature or signed,
            userHandle=self.holder if holder is None else holder,
        )

    def _data(self, host: str, verified: bool, more: int = 0) -> bytes:
        self.count += self._counts
        flags = _PRESENT | (_VERIFIED if verified else 0) | more
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _credential(self, **response: bytes) -> str:
        # A key may omit its user, and this key does.
        said = {name: _text(value) for name, value in response.items() if value}
        own = _text(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": said})


def _client_data(kind: str, asked: dict[str, Any], origin: str) -> bytes:
    said = {"type": kind, "challenge": asked["challenge"], "origin": origin, "crossOrigin": False}
    return json.dumps(said).encode()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
