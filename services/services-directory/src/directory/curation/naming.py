"""Names of mails to organisations. A reader who has not seen a mail cannot name it, and a report of its failure
counts only for the mailbox that it went to. Pure."""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from common import crypto
from common.messages.bounces import Bounce


def digest(mailbox: str) -> bytes:
    """Digest of a mailbox that the directory shows: not secret, only shorter."""
    return hashlib.sha256(mailbox.encode()).digest()


class Names:
    """`master`: the service's key for stored results."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"reminder-mail")

    def called(self, organisation: UUID, mailbox: str, until: datetime) -> str:
        """The same for every attempt of one mail: mailboxes show it once."""
        told = str(int(until.timestamp() * 1_000_000))
        return f"{organisation}.{told}.{self._mark(organisation, mailbox, told)}"

    def went_to(self, bounce: Bounce, mailbox: str) -> bool:
        told, _, mark = bounce.mark.partition(".")
        ours = self._mark(bounce.about, mailbox, told)
        return hmac.compare_digest(mark.encode(), ours.encode())

    def _mark(self, organisation: UUID, mailbox: str, told: str) -> str:
        said = f"{told}\n{mailbox}".encode()
        return hmac.digest(self._key, organisation.bytes + said, hashlib.sha256).hex()[:32]
