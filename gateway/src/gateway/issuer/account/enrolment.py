"""Tickets for enrolling a second factor or passkey. The new secret or challenge is sealed in the form until the person
confirms it. Nothing unconfirmed is stored, and the old factor stays valid in the meantime."""

import base64
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from common import crypto

LIFETIME = timedelta(minutes=10)
# Somebody who is new first installs an app.
LIFETIME_INVITED = timedelta(hours=1)


class NotEnrolling(Exception):
    """The ticket is forged, belongs to another person, has expired, or is older than another change."""


class Enrolments:
    """Seals and opens tickets for the factor that `use` names. A ticket for one use does not open as a ticket for
    another."""

    def __init__(self, master: bytes, use: bytes, lifetime: timedelta = LIFETIME) -> None:
        self._key = crypto.derived(master, use)
        self._lifetime = lifetime

    def begin(self, person_id: UUID, version: int, secret: str, now: datetime) -> str:
        """Return a ticket. `version` is the version of the person's row, so any other change voids the ticket."""
        until = (now + self._lifetime).timestamp()
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
