"""Keys and secrets of one embedded stack: random, made once per data directory, mode 0600.

Each secret carries a mark, so that a service started for production refuses it.
"""

import base64
import json
import secrets
from pathlib import Path

from common.settings import EMBEDDED_MARK
from gateway.keys import ensure_internal_keys

from stack.layout import Layout
from stack.private_files import read_private_map, write_private, write_private_map

NAMES = (
    "directory_stored_result_key",
    "referrals_stored_result_key",
    "reporting_stored_result_key",
    "issuer_stored_result_key",
    "blind_index_key",
    "rounding_key",
    "pseudonym_key",
    "session_key",
    "metrics_key",
)


def marked_key() -> str:
    """32 bytes in base64: the mark, then 144 random bits."""
    mark = EMBEDDED_MARK.encode()
    return base64.b64encode(mark + secrets.token_bytes(32 - len(mark))).decode()


def prepare_secrets(layout: Layout) -> dict[str, str]:
    known = read_private_map(layout.secrets_file)
    if any(name not in known for name in NAMES):
        known |= {name: marked_key() for name in NAMES if name not in known}
        write_private_map(layout.secrets_file, known)
    return known


def prepare_internal_key(layout: Layout) -> tuple[Path, Path]:
    """The gateway's signing key (PEM) and the JWKS by which services verify what it signs."""
    private, public = layout.keys / "internal.pem", layout.keys / "internal-jwks.json"
    ensure_internal_keys(private, public)
    return private, public


def prepare_key_encryption_keys(layout: Layout) -> Path:
    """Wraps the per-case keys of referrals; kept outside every database and its backups."""
    path = layout.keys / "referrals-kek.json"
    if not path.exists():
        content = {"active": "k1", "keys": {"k1": marked_key()}}
        write_private(path, json.dumps(content, indent=2) + "\n")
    return path
