"""Secrets that sign webhook calls. A service stores them sealed, bound to their webhook."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from common import crypto

FORMER_VALID = timedelta(hours=24)
"""How long a replaced secret also signs, so that a partner can change it without losing a call."""


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def seal_secret(key: bytes, webhook_id: UUID, secret: str) -> bytes:
    return crypto.seal(key, secret.encode(), _context(webhook_id))


def open_secret(key: bytes, webhook_id: UUID, sealed: bytes) -> str:
    return crypto.open_sealed(key, sealed, _context(webhook_id)).decode()


def valid_secrets(
    key: bytes,
    webhook_id: UUID,
    secret: bytes,
    former: bytes | None,
    former_until: datetime | None,
    now: datetime,
) -> tuple[str, ...]:
    """Return the secrets that sign now, the newest first. Raises an error if one cannot be opened."""
    sealed: Sequence[bytes] = [secret]
    if former and former_until and former_until > now:
        sealed = [secret, former]
    return tuple(open_secret(key, webhook_id, each) for each in sealed)


def _context(webhook_id: UUID) -> bytes:
    return f"webhook\n{webhook_id}".encode()
