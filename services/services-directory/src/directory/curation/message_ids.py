"""Message ids of e-mails to organisations. Pure. Only a reader of an e-mail knows its id, so nobody else can report a
bounce. A report counts only for the mailbox that received the e-mail."""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from common import crypto
from common.messages.bounces import Bounce


def digest(mailbox: str) -> bytes:
    """Return the digest of a public mailbox, used for brevity, not for secrecy."""
    return hashlib.sha256(mailbox.encode()).digest()


class Names:
    """Creates the message ids. `master` is the service's key for stored responses."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"reminder-mail")

    def called(self, organisation: UUID, mailbox: str, until: datetime) -> str:
        """Return the same id for every attempt to send one e-mail, so that mailboxes show it once."""
        told = str(int(until.timestamp() * 1_000_000))
        return f"{organisation}.{told}.{self._mark(organisation, mailbox, told)}"

    def went_to(self, bounce: Bounce, mailbox: str) -> bool:
        told, _, mark = bounce.mark.partition(".")
        ours = self._mark(bounce.about, mailbox, told)
        return hmac.compare_digest(mark.encode(), ours.encode())

    def _mark(self, organisation: UUID, mailbox: str, told: str) -> str:
        said = f"{told}\n{mailbox}".encode()
        return hmac.digest(self._key, organisation.bytes + said, hashlib.sha256).hex()[:32]
