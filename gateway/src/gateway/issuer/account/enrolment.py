"""A new second factor on its way to the phone, or the question to a new passkey: sealed in the form until
the answer comes back.

So nothing is stored that nobody has confirmed, and the old factor holds until then.
"""

import base64
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from common import crypto

LIFETIME = timedelta(minutes=10)


class NotEnrolling(Exception):
    """The ticket is not Ruta's, another person's, too old, or made before another change."""


class Enrolments:
    """`use`: the factor that is enrolled; a ticket for one use does not open another."""

    def __init__(self, master: bytes, use: bytes) -> None:
        self._key = crypto.derived(master, use)

    def begin(self, person_id: UUID, version: int, secret: str, now: datetime) -> str:
        """`version` of the person's row: whatever else they change makes this void."""
        until = (now + LIFETIME).timestamp()
        content = orjson.dumps({"secret": secret, "version": version, "until": until})
        sealed = crypto.seal(self._key, content, person_id.bytes)
        return base64.urlsafe_b64encode(sealed).decode()

    def secret(self, ticket: str, person_id: UUID, version: int, now: datetime) -> str:
        try:
            sealed = base64.urlsafe_b64decode(ticket)
            content = orjson.loads(crypto.open_sealed(self._key, sealed, person_id.bytes))
        except (ValueError, crypto.CannotOpen):
            raise NotEnrolling from None
        if now.timestamp() > content["until"] or content["version"] != version:
            raise NotEnrolling
        return str(content["secret"])
