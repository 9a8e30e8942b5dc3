"""The ring of signing keys: one key signs, the next is already published, and retired keys still verify.

The next key is published before it signs, so no verifier meets an unknown key id after a planned rotation. Private keys
are files that only the issuer's user can read. The database records known keys. If the files contain other keys, the
known keys were lost and the issuer refuses to start.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from common.db import key_checks
from common.db.key_checks import WrongKeys
from common.db.session import Database
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.keys import named_jwk, new_private_pem, write_private

RETIRED_SECONDS = 3600
MOST_KEYS = 20
"""The most keys published at once: verifiers read them all and limit the document's length."""
_RSA_BITS = 3072
_LOOK_SECONDS = 1.0


class RotatedTooOften(Exception):
    """All published keys are still needed to verify valid tokens."""


@dataclass(frozen=True)
class SigningKey:
    """A signing key. `current` signs, `next` waits, and `retired` (since `retired_at`) only verifies."""

    kid: str
    algorithm: str
    state: str
    pem: str
    retired_at: float | None = None

    @property
    def jwk(self) -> dict[str, Any]:
        return named_jwk(self.pem, self.algorithm)


class KeyRing:
    """Reloads the keys from their folder, so that a `rotate` in another process takes effect within a second."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        self.folder = folder
        self._algorithm = algorithm
        self._register = folder / "ring.json"
        self._keys: list[SigningKey] = []
        self._stamp: tuple[int, int] | None = None
        self._looked = float("-inf")

    def current(self) -> SigningKey:
        return next(key for key in self._all() if key.state == "current")

    def file_of_current(self) -> Path:
        """Return the file of the current key. Its age is the age of the key."""
        return self._pem_file(self.current().kid)

    def kids(self) -> set[str]:
        """Return the ids of existing keys. Unlike the other methods, this one never creates a key."""
        return {key.kid for key in self._read()}

    def published_kids(self) -> list[str]:
        return [str(key["kid"]) for key in self.jwks()["keys"]]

    def jwks(self) -> dict[str, Any]:
        """Return all public keys that may verify a valid token, including the next key."""
        return {"keys": [key.jwk for key in self._all() if _still_verifies(key)]}

    def rotate(self) -> SigningKey:
        """Promote the next key, retire the current one and create a new next key. Raise RotatedTooOften if that would
        result in more than `MOST_KEYS` keys."""
        with self._locked():
            keys = [key for key in self._read() if _still_verifies(key)]
            if len(keys) >= MOST_KEYS:
                raise RotatedTooOften
            turned = [_turned(key) for key in keys]
            self._write([*turned, self._made("next")])
        return self.current()

    def _all(self) -> list[SigningKey]:
        if time.monotonic() - self._looked < _LOOK_SECONDS and self._keys:
            return self._keys
        self._looked = time.monotonic()
        if not self._register.exists():
            with self._locked():
                if not self._register.exists():  # another process may have created it first
                    self._write([self._made("current"), self._made("next")])
        stat = self._register.stat()
        if (stat.st_mtime_ns, stat.st_ino) != self._stamp:
            self._keys = self._read()
            self._stamp = (stat.st_mtime_ns, stat.st_ino)
        return self._keys

    def _read(self) -> list[SigningKey]:
        if not self._register.exists():
            return []
        entries = orjson.loads(self._register.read_bytes())["keys"]
        return [SigningKey(pem=self._pem_file(e["kid"]).read_text(), **e) for e in entries]

    def _write(self, keys: list[SigningKey]) -> None:
        for key in keys:
            if not self._pem_file(key.kid).exists():
                write_private(self._pem_file(key.kid), key.pem)
        entries = [
            {"kid": k.kid, "algorithm": k.algorithm, "state": k.state, "retired_at": k.retired_at}
            for k in keys
        ]
        write_private(self._register, orjson.dumps({"keys": entries}).decode())
        for pem in self.folder.glob("*.pem"):
            if pem.stem not in {key.kid for key in keys}:
                pem.unlink()
        self._stamp = None
        self._looked = float("-inf")

    def _made(self, state: str) -> SigningKey:
        pem = _new_rsa_pem() if self._algorithm == "RS256" else new_private_pem()
        kid = str(named_jwk(pem, self._algorithm)["kid"])
        return SigningKey(kid, self._algorithm, state, pem)

    def _pem_file(self, kid: str) -> Path:
        return self.folder / f"{kid}.pem"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _turned(key: SigningKey) -> SigningKey:
    state = {"next": "current", "current": "retired"}.get(key.state, key.state)
    retired = time.time() if key.state == "current" else key.retired_at
    return SigningKey(key.kid, key.algorithm, state, key.pem, retired)


def _still_verifies(key: SigningKey) -> bool:
    return key.retired_at is None or time.time() - key.retired_at < RETIRED_SECONDS


def _new_rsa_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


_KIND = "token-signing-key/"
_OTHERS = "{folder}: the keys that sign tokens are not the earlier ones. Nothing was changed. Put the earlier ones back (./ruta restore --keys-only takes them from a backup); if they are lost for good, every client needs a new token (docs/operate.md, Lost keys)"
_NONE = "{folder}: the keys that sign tokens are missing. Nothing was changed. Put them back (./ruta restore --keys-only takes them from a backup); if they are lost for good, every client needs a new token (docs/operate.md, Lost keys)"


async def recognise(database: Database, ring: KeyRing) -> None:
    """Record the keys of the ring. Raise WrongKeys if keys have signed here before but none of them is in the ring."""
    kids = ring.kids()
    known = {
        name.removeprefix(_KIND)
        for name in await key_checks.recorded(database)
        if name.startswith(_KIND)
    }
    if known and not known & kids:
        raise WrongKeys(_OTHERS if kids else _NONE, folder=ring.folder)
    await key_checks.record(database, {f"{_KIND}{kid}": kid for kid in ring.published_kids()})
