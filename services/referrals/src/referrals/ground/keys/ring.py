"""Key-encryption keys, which wrap the case keys and rotate. A file outside all databases contains them, either in plain
text or encrypted by a Vault."""

import base64
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from uuid import UUID

from common import crypto
from common.crypto import check_value
from common.db.key_checks import WrongKeys
from common.words.command_texts import Worded

_CLOSED = "vault:"


class CannotOpenKey(Worded):
    """The Vault responds, but its key did not encrypt this key; the message identifies the key."""


class Keeper(Protocol):
    """Encrypts and decrypts key-encryption keys. Raises CannotOpenKey, or KeysAway if it is unreachable."""

    async def open(self, key_id: str, text: str) -> bytes: ...

    async def close(self, key_id: str, key: bytes) -> str: ...


class KeyRingError(WrongKeys):
    """The key-encryption key file is unusable; the message gives the reason and the remedy."""

    def __init__(self, path: Path, reason: Worded) -> None:
        super().__init__(
            "{path}: {reason}. Nothing was changed. Put the right file back (./ruta restore --keys-only takes it from a"
            " backup); without it no case can be opened (docs/operate.md, Lost keys)",
            path=path,
            reason=reason,
        )


@dataclass(frozen=True)
class KeyRing:
    """A key ring. `closed` contains the encrypted text of each key that a Vault protects."""

    active: str
    keys: dict[str, bytes]
    closed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a ring of plain-text keys; raise KeyRingError if the file is missing or malformed."""
        active, entries = _read(path)
        if behind := sorted(key_id for key_id, text in entries.items() if text.startswith(_CLOSED)):
            text = "{keys} can only be opened by a Vault: set RUTA_VAULT_URL"
            raise KeyRingError(path, Worded(text, keys=", ".join(behind)))
        return cls(active, {k: _decoded(path, text) for k, text in entries.items()})

    @classmethod
    async def opened(cls, path: Path, vault: Keeper | None) -> "KeyRing":
        """Read a ring, using the Vault to decrypt its encrypted keys; raise KeyRingError or KeysAway."""
        if vault is None:
            return cls.load(path)
        active, entries = _read(path)
        closed = {key_id: text for key_id, text in entries.items() if text.startswith(_CLOSED)}
        keys = {k: _decoded(path, text) for k, text in entries.items() if k not in closed}
        for key_id, text in closed.items():
            try:
                keys[key_id] = await vault.open(key_id, text)
            except CannotOpenKey as error:
                raise KeyRingError(path, error) from error
        return cls(active, keys, closed)

    def check_values(self) -> dict[str, str]:
        """Return all keys' check values by name, for the key store."""
        return {
            check_name(key_id): check_value(check_name(key_id), key)
            for key_id, key in self.keys.items()
        }

    def wrap(self, case_id: UUID, case_key: bytes) -> bytes:
        return crypto.seal(self.keys[self.active], case_key, _context(case_id, self.active))

    def unwrap(self, case_id: UUID, key_id: str, wrapped: bytes) -> bytes:
        """Return the case key; raise CannotOpen if the ring lacks `key_id` or did not wrap these bytes."""
        if key_id not in self.keys:
            raise crypto.CannotOpen(f"key-encryption key {key_id} is not in the ring")
        return crypto.open_sealed(self.keys[key_id], wrapped, _context(case_id, key_id))


def _read(path: Path) -> tuple[str, dict[str, str]]:
    """Return the active id and the entries by id; raise KeyRingError if the file is unusable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = {str(key_id): str(text) for key_id, text in document["keys"].items()}
        active = str(document["active"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise KeyRingError(path, _why(error)) from error
    if active not in entries:
        raise KeyRingError(path, Worded("the active key {key!r} is not among the keys", key=active))
    return active, entries


def _decoded(path: Path, text: str) -> bytes:
    try:
        return crypto.key_from_base64(text)
    except ValueError as error:
        raise KeyRingError(path, _why(error)) from error


def with_new_key(ring: KeyRing) -> KeyRing:
    """Return the ring with a new, unused key. Every reader must have the key before anything uses it."""
    key_id = f"k{max((int(k[1:]) for k in ring.keys if k[1:].isdigit()), default=0) + 1}"
    return replace(ring, keys={**ring.keys, key_id: crypto.new_key()})


async def closed_by(ring: KeyRing, vault: Keeper | None, path: Path) -> KeyRing:
    """Return the ring with its newest key encrypted by the Vault, if there is a Vault; raise KeyRingError or
    KeysAway."""
    key_id = newest(ring)
    if vault is None or key_id in ring.closed:
        return ring
    try:
        text = await vault.close(key_id, ring.keys[key_id])
    except CannotOpenKey as error:
        raise KeyRingError(path, error) from error
    return replace(ring, closed={**ring.closed, key_id: text})


def newest(ring: KeyRing) -> str:
    return max(ring.keys, key=lambda key_id: int(key_id[1:]) if key_id[1:].isdigit() else -1)


def with_newest_active(ring: KeyRing) -> KeyRing:
    return replace(ring, active=newest(ring))


def without_unused(ring: KeyRing, used: set[str]) -> KeyRing:
    """Return the ring reduced to the active key, the newest key and the keys in use."""
    keep = {ring.active, newest(ring), *used}
    return replace(ring, keys={k: v for k, v in ring.keys.items() if k in keep})


def as_text(ring: KeyRing) -> str:
    keys = {k: ring.closed.get(k) or base64.b64encode(v).decode() for k, v in ring.keys.items()}
    return json.dumps({"active": ring.active, "keys": keys}) + "\n"


def write(path: Path, ring: KeyRing) -> None:
    """Replace the ring file atomically; raise OSError if it is read-only (a mounted Secret)."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(as_text(ring))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def check_name(key_id: str) -> str:
    return f"key-encryption-key/{key_id}"


def _why(error: Exception) -> Worded:
    if isinstance(error, FileNotFoundError):
        return Worded("the key-encryption keys are missing")
    return Worded("this is not a file of key-encryption keys ({kind})", kind=type(error).__name__)


def _context(case_id: UUID, key_id: str) -> bytes:
    return f"case-key\n{case_id}\n{key_id}".encode()
