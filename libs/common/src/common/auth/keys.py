"""Public keys that verify tokens: a JWKS in memory, or in a file that is reloaded."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from jose import jwk

from common import json_once
from common.process.logs import get_logger

_log = get_logger(__name__)

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
ASSERTION_ALGORITHMS = {**ALGORITHMS, "RS384": "RSA", "ES384": "EC"}
"""Clients prove themselves by these, too: SMART Backend Services asks for RS384 and ES384."""
_CURVES = {"P-256": "ES256", "P-384": "ES384"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LEAST_BITS, _MOST_KEYS = 2048, 5


class KeySet:
    """Keys by `kid`. Keys without a `kid`, symmetric keys and encryption keys are ignored."""

    def __init__(self, keys: Iterable[Mapping[str, Any]]) -> None:
        self._keys = {
            key["kid"]: dict(key)
            for key in keys
            if isinstance(key.get("kid"), str)
            and key.get("use", "sig") == "sig"
            and key.get("kty") in ALGORITHMS.values()
        }

    @classmethod
    def from_jwks(cls, jwks: Any) -> "KeySet":
        """Parse a JWKS document. Raise ValueError if it is malformed."""
        keys = jwks.get("keys") if isinstance(jwks, dict) else None
        if not isinstance(keys, list) or not all(isinstance(k, dict) for k in keys):
            raise ValueError("a JWKS is an object with a list 'keys' of objects")
        return cls(keys)

    def find(self, kid: str, algorithm: str) -> dict[str, Any] | None:
        """Return the key with this id if it is meant for this algorithm."""
        key = self._keys.get(kid)
        if key is None or key["kty"] != ASSERTION_ALGORITHMS[algorithm]:
            return None
        return key if key.get("alg", algorithm) == algorithm else None

    def __len__(self) -> int:
        return len(self._keys)


class JwksFile:
    """A JWKS file that is checked once a second, so that keys rotate without a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = 0.0
        self._stamp: tuple[int, int] | None = None
        self._keys = KeySet([])

    def current(self) -> KeySet:
        """Return the newest readable keys. If the file is malformed, log an error and keep the last good keys."""
        if time.monotonic() - self._looked >= 1.0:
            self._looked = time.monotonic()
            self._reload()
        return self._keys

    def _reload(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self._keys = KeySet.from_jwks(json_once.loads(self._path.read_bytes()))
                self._stamp = stamp
        except (OSError, ValueError) as error:
            _log.error("jwks_file_unreadable", path=str(self._path), reason=str(error))


def registered_keys(jwks: Any) -> dict[str, Any]:
    """Return a client's JWKS with only the members that Ruta uses. Raise ValueError unless it has 1 to 5 public keys,
    each with its own `kid`: RSA of at least 2048 bits, or EC on P-256 or P-384. An RSA key without `alg` uses RS384."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
        raise ValueError(f"a JWKS is an object with a list 'keys' of 1 to {_MOST_KEYS} keys")
    found = [_registered(key) for key in keys]
    if len({key["kid"] for key in found}) < len(found):
        raise ValueError("two keys have the same 'kid'")
    return {"keys": found}


def _registered(key: Any) -> dict[str, Any]:
    if isinstance(key, dict) and _PRIVATE & key.keys():
        raise ValueError("send public keys only, and replace a private key that you have sent")
    try:
        is_rsa = key["kty"] == "RSA"
        offered = ("RS384", "RS256") if is_rsa else (_CURVES[key["crv"]],)
        members = ("kid", "kty", "n", "e") if is_rsa else ("kid", "kty", "crv", "x", "y")
        kept = {name: str(key[name]) for name in members}
        public = serialization.load_pem_public_key(jwk.construct(kept, offered[0]).to_pem())
    except Exception as error:
        raise ValueError("a key is RSA, or EC on P-256 or P-384, and has a 'kid'") from error
    algorithm = key.get("alg", offered[0])
    if (
        key.get("use", "sig") != "sig"
        or algorithm not in offered
        or not 0 < len(kept["kid"]) <= 200
    ):
        raise ValueError("a key signs by RS384, RS256, ES384 or ES256, as fits it")
    if is_rsa and getattr(public, "key_size", 0) < _LEAST_BITS:
        raise ValueError(f"an RSA key has at least {_LEAST_BITS} bits")
    return {**kept, "alg": algorithm}


def public_jwk(private_pem: str, kid: str, algorithm: str) -> dict[str, Any]:
    public = jwk.construct(private_pem, algorithm).public_key().to_dict()
    values = {k: v.decode() if isinstance(v, bytes) else v for k, v in public.items()}
    return {**values, "kid": kid, "use": "sig", "alg": algorithm}
