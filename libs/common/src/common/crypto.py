"""Authenticated encryption for everything that Ruta seals (AES-256-GCM)."""

import base64
import binascii
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """The key, the context or the ciphertext is not the original one."""


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def key_from_base64(text: str) -> bytes:
    """Decode a 32-byte key from base64 (standard or URL alphabet). Raise ValueError if it is not such a key."""
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "==", validate=False)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a key must be base64 text") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key must be {KEY_BYTES} bytes, this one has {len(key)}")
    return key


def check_value(name: str, secret: str | bytes) -> str:
    """Return a check value of a key. It can safely be stored next to the data, because it reveals nothing about a
    random key."""
    return hmac.new(_key_of(secret), f"ruta-key-check\n{name}".encode(), hashlib.sha256).hexdigest()


def _key_of(secret: str | bytes) -> bytes:
    if isinstance(secret, bytes):
        return secret
    try:
        return key_from_base64(secret)  # either alphabet may encode the same key
    except ValueError:
        return secret.encode()


def derived(master: bytes, use: bytes) -> bytes:
    """Derive a key for one use. It reveals neither `master` nor the keys for other uses."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=use).derive(master)


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt. `context` (which row, which column) is authenticated, and decryption needs it. Return nonce ‖ ciphertext
    ‖ tag. Nonces are random, so each key may encrypt fewer than 2^32 messages (NIST SP 800-38D)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def open_sealed(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt the output of `seal`. Raise CannotOpen if the key, the context or the ciphertext differs."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("sealed value does not open with this key and context") from error
