"""The gateway's own signing keys, each identified by its RFC 7638 thumbprint."""

import base64
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from common.auth import public_jwk
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
PUBLISHED_SECONDS = 3.0  # services check the public key file once a second
_THUMBPRINT_MEMBERS = ("crv", "e", "kty", "n", "x", "y")


def new_private_pem() -> str:
    """Return a new P-256 key as PKCS #8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def named_jwk(private_pem: str, algorithm: str = ALGORITHM) -> dict[str, Any]:
    """Return the public JWK of a private key. Its `kid` is the thumbprint, so no registry is needed."""
    jwk = public_jwk(private_pem, "", algorithm)
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS if name in jwk}
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return {**jwk, "kid": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}


def ensure_internal_keys(pem: Path, jwks: Path) -> None:
    """Create the internal signing key if it is missing, and the JWKS that services read."""
    if not pem.exists():
        write_private(pem, new_private_pem())
    own = named_jwk(pem.read_text())
    # After a rotation, the file still contains the old key, because its last tokens are still in use.
    if own not in _published(jwks):
        _replace(jwks, orjson.dumps({"keys": [own]}), 0o644)


def _published(jwks: Path) -> list[Any]:
    try:
        keys: list[Any] = orjson.loads(jwks.read_bytes())["keys"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return keys


def rotate_internal_keys(
    pem: Path, jwks: Path, *, wait: Callable[[float], None] = time.sleep
) -> str:
    """Replace the internal signing key and return its id, without causing any request to be refused. Services learn the
    new public key first (they check once a second), then the front gets the private key. The old public key remains
    until the next rotation, for tokens that it signed in the last minute."""
    old, new = pem.read_text(), new_private_pem()
    public = [named_jwk(new), named_jwk(old)]
    _replace(jwks, orjson.dumps({"keys": public}), 0o644)
    wait(PUBLISHED_SECONDS)
    write_private(pem, new)
    return str(public[0]["kid"])


def write_private(path: Path, text: str) -> None:
    """Write a secret file atomically. Only its owner can read it."""
    _replace(path, text.encode(), 0o600)


def _replace(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=mode)
    temporary.write_bytes(content)
    temporary.chmod(mode)
    temporary.replace(path)
