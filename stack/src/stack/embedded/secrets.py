"""Keys and secrets of an embedded stack: random, created once per data directory, mode 0600.

Each secret contains a mark, so that a production service refuses it. A key with which databases were written is never
created again. If it is lost, it must be restored.
"""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from common import EMBEDDED_MARK

from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.private_files import read_private_map, write_private, write_private_map

# Name in the file → the database whose rows depend on the secret, and the setting for the secret.
NAMES: dict[str, tuple[str, str] | None] = {
    "directory_stored_result_key": ("directory", "RUTA_STORED_RESULT_KEY"),
    "referrals_stored_result_key": ("referrals", "RUTA_STORED_RESULT_KEY"),
    "reporting_stored_result_key": ("reporting", "RUTA_STORED_RESULT_KEY"),
    "issuer_stored_result_key": ("issuer", "RUTA_STORED_RESULT_KEY"),
    "blind_index_key": ("referrals", "RUTA_BLIND_INDEX_KEY"),
    "rounding_key": ("reporting", "RUTA_ROUNDING_KEY"),
    "pseudonym_key": ("reporting", "RUTA_PSEUDONYM_KEY"),
    # If it is lost, people are only signed out of their browser sessions.
    "session_key": None,
    # Lets the operator's collector read exact counts; no stored data depends on it.
    "metrics_key": None,
}
KEY_STORE = "referral_keys"
Rows = Callable[[str, str], list[str]]
"""Returns the first column of an SQL query on a database; nothing if the table does not exist yet."""


def marked_key() -> str:
    """Return 32 bytes in base64: the mark, followed by 144 random bits."""
    mark = EMBEDDED_MARK.encode()
    return base64.b64encode(mark + secrets.token_bytes(32 - len(mark))).decode()


def prepare_secrets(layout: Layout, rows: Rows) -> dict[str, str]:
    """Create missing secrets. Raise StackError if one of them is missing but a database was already written with it."""
    known = read_private_map(layout.secrets_file)
    missing = [name for name in NAMES if name not in known]
    if lost := [name for name in missing if _was_used(name, rows, file_is_gone=not known)]:
        raise _lost(layout.secrets_file, ", ".join(lost))
    if missing:
        known |= {name: marked_key() for name in missing}
        write_private_map(layout.secrets_file, known)
    return known


def internal_key(layout: Layout) -> tuple[Path, Path]:
    """Return the paths of the gateway's signing key (PEM) and of the JWKS that verifies its signatures
    (`stack.key_files`)."""
    return layout.keys / "internal.pem", layout.keys / "internal-jwks.json"


def push_key(layout: Layout) -> Path:
    """Return the path of the key that signs Web Push messages. It is created only once, because browser subscriptions
    depend on it."""
    return layout.keys / "push.pem"


def _was_used(name: str, rows: Rows, *, file_is_gone: bool) -> bool:
    use = NAMES[name]
    if use is None:
        return False
    database, setting = use
    recorded = rows(database, "SELECT name FROM key_checks")
    # A data directory from an older release has no recorded keys, but has tables.
    return setting in recorded or (
        file_is_gone and not recorded and bool(rows(database, "SELECT 1 FROM alembic_version"))
    )


def _lost(path: Path, what: str) -> StackError:
    return StackError(
        "{path} is lost ({what}), but the databases were written with it. Nothing was changed. Put it back: ./ruta restore FOLDER --keys-only takes it from a backup (docs/operate.md, Lost keys)",
        path=path,
        what=what,
    )


def prepare_key_encryption_keys(layout: Layout, rows: Rows) -> Path:
    """Create the keys that wrap the per-case keys of referrals. They stay outside every database and its backups. Raise
    StackError if they are lost and the key store was already used."""
    path = layout.keys / "referrals-kek.json"
    if not path.exists():
        if rows(KEY_STORE, "SELECT name FROM key_checks") or rows(
            KEY_STORE, "SELECT case_id FROM case_keys WHERE wrapped IS NOT NULL LIMIT 1"
        ):
            raise _lost(path, "the key-encryption keys")
        content = {"active": "k1", "keys": {"k1": marked_key()}}
        write_private(path, json.dumps(content, indent=2) + "\n")
    return path
