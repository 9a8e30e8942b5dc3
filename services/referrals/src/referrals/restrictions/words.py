"""What the list of restrictions says, and which of its words counts. Pure.

A line names a thing by its random id, says what of it is restricted from then on, and nothing about a person.
The last word counts: whoever shows an entry again, or takes a mark back, writes another line. A consent that
ended gets one line and never another: whoever consents again makes a consent of its own.

    consent, exception, sharing (by a referral)
                             {}
    implicated, line_report  {"marks": [digest, …]}: against whom, which only this installation can tell; until it
                             leaves the database {"organisations": [id, …]}; of a report also
                             {"no_case": true}, the reporter's wish
    contact (of a case)      {"at": moment of the change, "caregiver": true where nobody is to reach them}
    service, organisation, risk_message
                             {"withdrawn": true, "closed": "suspended", "hidden": {"id of a part": 3}}, in the words of
                             the directory, which applies them
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.chained import Signer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Kind(StrEnum):
    CONSENT = "consent"
    EXCEPTION = "exception"
    SHARING = "sharing"
    """What a referral shared, however that ended: recalled, declined, withdrawn."""
    IMPLICATED = "implicated"
    """Of a case; LINE_REPORT: of a report of the line."""
    LINE_REPORT = "line_report"
    CONTACT = "contact"
    """How the person of a case may be reached, or that their caregiver may not be."""
    SERVICE = "service"
    ORGANISATION = "organisation"
    RISK_MESSAGE = "risk_message"


OF_DIRECTORY = frozenset({Kind.SERVICE, Kind.ORGANISATION, Kind.RISK_MESSAGE})
Word = Mapping[str, Any]


def signer_of(secret: bytes) -> Signer:
    return Signer(secret, b"ruta-restrictions", ("kind", "id", "word", "at"))


def last_words(lines: Iterable[Mapping[str, Any]], kind: Kind) -> dict[UUID, Word]:
    """Of each thing of this kind, in the order in which they were first named."""
    return {UUID(line["id"]): line["word"] for line in lines if line["kind"] == kind}


def merged(one: Word, other: Word) -> dict[str, Any]:
    """Of two words on an entry of the directory what is restricted by either."""
    both: dict[str, Any] = {**one, **other}
    hidden = dict(one.get("hidden", {}))
    for part, level in other.get("hidden", {}).items():
        hidden[part] = max(level, hidden.get(part, 0))
    return both | ({"hidden": hidden} if hidden else {})


def newer(one: Word, other: Word) -> Word:
    """Of two words on a contact the later one."""
    return max(one, other, key=lambda word: str(word.get("at", "")))


def accusing(organisations: Iterable[UUID]) -> Word:
    """The word of those against whom a case or a report speaks; of nobody, if they are none."""
    named = sorted(str(each) for each in organisations)
    return {"organisations": named} if named else {}


class Marks:
    """Stand for who is accused: the list leaves the machine, and is to accuse nobody."""

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=b"ruta-implicated").derive(secret)

    def listed(self, subject: UUID, word: Word) -> Word:
        """The word as it leaves the database."""
        named = word.get("organisations")
        if named is None:
            return word
        rest = {name: value for name, value in word.items() if name != "organisations"}
        return rest | {"marks": sorted(self._mark(subject, UUID(each)) for each in named)}

    def among(self, subject: UUID, word: Word, organisations: Iterable[UUID]) -> set[UUID]:
        """Those of the organisations that a word of the list accuses."""
        marks: Sequence[str] = word.get("marks", ())
        if not marks:
            return set()
        return {each for each in organisations if self._mark(subject, each) in marks}

    def _mark(self, subject: UUID, organisation: UUID) -> str:
        named = subject.bytes + organisation.bytes
        return hmac.new(self._key, named, hashlib.sha256).hexdigest()[:32]
