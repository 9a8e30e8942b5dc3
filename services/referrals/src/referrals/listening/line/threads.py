"""Who can read a thread. Pure.

Each report has a key pair; the receipt's Argon2id key seals the private key. A message is stored twice: encrypted to
the public key (HPKE, RFC 9180) for the reporter, and encrypted under the report's desk key. Like a case key, the desk
key is wrapped and can be destroyed. Server keys open only the desk's copies.
"""

import re
from datetime import datetime, timedelta
from uuid import UUID

from common import crypto
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def new_reporter_key(report_id: UUID, receipt_key: bytes) -> tuple[bytes, bytes]:
    """Return a new key pair: the public key, and the private key sealed under the receipt's key."""
    private = X25519PrivateKey.generate()
    raw = private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    sealed = crypto.seal(receipt_key, raw, reporter_key_context(report_id))
    public = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return public, sealed


def open_reporter_key(report_id: UUID, sealed: bytes, receipt_key: bytes) -> X25519PrivateKey:
    """Open the private key; raise CannotOpen unless the receipt belongs to the report."""
    raw = crypto.open_sealed(receipt_key, sealed, reporter_key_context(report_id))
    return X25519PrivateKey.from_private_bytes(raw)


def for_reporter(text: str, report_id: UUID, number: int, public_key: bytes) -> bytes:
    recipient = X25519PublicKey.from_public_bytes(public_key)
    return _SUITE.encrypt(text.encode(), recipient, message_context(report_id, number))


def as_reporter(sealed: bytes, report_id: UUID, number: int, private: X25519PrivateKey) -> str:
    """Decrypt a message; raise CannotOpen unless it is this report's message with this number."""
    try:
        return _SUITE.decrypt(sealed, private, message_context(report_id, number)).decode()
    except (InvalidTag, ValueError) as error:
        raise crypto.CannotOpen("not a message to this reporter") from error


def for_desk(text: str, report_id: UUID, number: int, desk_key: bytes) -> bytes:
    return crypto.seal(desk_key, text.encode(), message_context(report_id, number))


def as_desk(sealed: bytes, report_id: UUID, number: int, desk_key: bytes) -> str:
    return crypto.open_sealed(desk_key, sealed, message_context(report_id, number)).decode()


def reporter_key_context(report_id: UUID) -> bytes:
    return f"line\n{report_id}\nreporter-key".encode()


def message_context(report_id: UUID, number: int) -> bytes:
    return f"line\n{report_id}\n{number}".encode()


QUICKEST = timedelta(seconds=3)
SAME_TEXT_WITHIN = timedelta(days=2)
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MOST_LINKS = 2
_LONG_ENOUGH = 40


def signs(
    text: str, *, trap: str, issued_at: datetime, now: datetime, same_text_before: bool
) -> list[str]:
    """Return codes of suspicious signs in a fixed order; `trap` is a field that people cannot see."""
    found = {
        "trap_filled": bool(trap.strip()),
        "too_quick": now - issued_at < QUICKEST,
        "many_links": len(_LINK.findall(text)) > _MOST_LINKS,
        # Many people may write only "help".
        "same_text": same_text_before and len(text) >= _LONG_ENOUGH,
    }
    return [code for code, odd in found.items() if odd]
