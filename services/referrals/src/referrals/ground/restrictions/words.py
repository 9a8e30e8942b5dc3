"""What the list of restrictions says, and which of its words counts. Pure.

A line names a thing by its random id, says what of it is restricted from then on, and nothing about a person.
The last word counts: whoever shows an entry again, or takes a mark back, writes another line. A consent that
ended gets one line and never another: whoever consents again makes a consent of its own.

    consent, exception, sharing (by a referral), transfer, match, protocol, certificate, link
                             {}: ended
    implicated (of a case)   {"organisations": [id, …]}
    holder (of a case)       {"holder": id}: the organisation that took it over last
    line_report              {"organisations": [id, …], "no_case": true: the reporter's wish, "handed": id, "aor": …}
    code (of a consent)      {"digest": …}: of the code by which the person withdraws
    team (of a service)      {"organisation": id, "clients": [account, …]}
    contact (of a case)      {"at": moment of the change, "caregiver": true where nobody is to reach them}
    succession               {"organisation": id, "successor": id, "kind": …, "areas": [P-code, …], "at": moment}: who takes
                             over the cases of an organisation, as the directory told it
    comparison (of a case), channel
                             {"off": true}: taken back; {}: given again
    webhook, form            {"gone": true}, {"off": true}; {"secret": mark}: which secret holds
    service, organisation, risk_message
                             {"withdrawn": true, "closed": "suspended", "hidden": {"id of a part": 3}}, in the words of
                             the directory, which applies them
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.chained import Signer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
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
    HOLDER = "holder"
    """Of a case: which organisation took it over last."""
    SUCCESSION = "succession"
    """Of an organisation: who takes over its cases."""
    TRANSFER = "transfer"
    CODE = "code"
    """Of a consent: the code by which the person withdraws it."""
    LINK = "link"
    COMPARISON = "comparison"
    """Of a case: the consent to compare it with those of others; MATCH: what came of it."""
    MATCH = "match"
    TEAM = "team"
    PROTOCOL = "protocol"
    CERTIFICATE = "certificate"
    WEBHOOK = "webhook"
    CHANNEL = "channel"
    FORM = "form"
    SERVICE = "service"
    ORGANISATION = "organisation"
    RISK_MESSAGE = "risk_message"


OF_DIRECTORY = frozenset({Kind.SERVICE, Kind.ORGANISATION, Kind.RISK_MESSAGE})
_SEALED = frozenset({Kind.IMPLICATED, Kind.LINE_REPORT, Kind.HOLDER, Kind.CODE, Kind.TEAM})
"""Kinds whose words name somebody."""
Word = Mapping[str, Any]


def signer_of(secret: bytes) -> Signer:
    return Signer(secret, b"ruta-restrictions", ("kind", "id", "word", "at"))


def last_words(lines: Iterable[Mapping[str, Any]], kind: Kind) -> dict[UUID, Word]:
    """The last word on each thing of this kind, in the order in which they first appear."""
    return {UUID(line["id"]): line["word"] for line in lines if line["kind"] == kind}


def merged(one: Word, other: Word) -> dict[str, Any]:
    """The restrictions of either of two words on an entry of the directory."""
    both: dict[str, Any] = {**one, **other}
    hidden = dict(one.get("hidden", {}))
    for part, level in other.get("hidden", {}).items():
        hidden[part] = max(level, hidden.get(part, 0))
    return both | ({"hidden": hidden} if hidden else {})


def newer(one: Word, other: Word) -> Word:
    """The later of two words on a contact."""
    return max(one, other, key=lambda word: str(word.get("at", "")))


@dataclass(frozen=True)
class Succession:
    """`areas`: of a split, where the cases are that follow; of an organisation that ended all do."""

    organisation: UUID
    successor: UUID
    ends: bool
    areas: tuple[str, ...]
    at: datetime

    @classmethod
    def of(cls, word: Word) -> "Succession":
        return cls(
            organisation=UUID(word["organisation"]),
            successor=UUID(word["successor"]),
            ends=word["kind"] != "split",
            areas=tuple(word["areas"]),
            at=datetime.fromisoformat(word["at"]),
        )


def in_turn(found: Iterable[Succession]) -> list[Succession]:
    """The earliest first; one whose successor has ended since leads to the successor of that one."""
    turns = sorted(found, key=lambda each: each.at)
    for place in reversed(range(len(turns))):
        for later in turns[place + 1 :]:
            if later.ends and later.organisation == turns[place].successor:
                turns[place] = replace(turns[place], successor=later.successor, at=later.at)
                break
    return turns


OFF: Word = {"off": True}
GONE: Word = {"gone": True}


def door(secret: bytes, *, active: bool) -> Word:
    """The word of what opens by a secret; `secret`: as it is stored, sealed."""
    mark = hashlib.sha256(secret).hexdigest()[:32]
    return {"secret": mark} if active else {"secret": mark, **OFF}


def shuts(word: Word, secret: bytes) -> bool:
    """Whether it is to be off where it has this secret."""
    return word != door(secret, active=True)


def accusing(organisations: Iterable[UUID]) -> Word:
    """The word of those against whom a case or a report speaks; of nobody, if they are none."""
    named = sorted(str(each) for each in organisations)
    return {"organisations": named} if named else {}


class WordSeal:
    """Seals words that name somebody, because the list leaves the machine. Equal words seal alike, so that repeats
    show."""

    def __init__(self, secret: bytes) -> None:
        info = b"ruta-restricted-words"
        self._seal = AESSIV(HKDF(hashes.SHA256(), 64, salt=None, info=info).derive(secret))

    def listed(self, kind: Kind, subject: UUID, word: Word) -> Word:
        if kind not in _SEALED or not word:
            return word
        plain = json.dumps(word, sort_keys=True).encode()
        sealed = self._seal.encrypt(plain, [kind.encode(), subject.bytes])
        return {"sealed": base64.b64encode(sealed).decode()}

    def opened(self, kind: Kind, subject: UUID, word: Word) -> Word:
        if "sealed" not in word:
            return word
        sealed = base64.b64decode(word["sealed"])
        opened: Word = json.loads(self._seal.decrypt(sealed, [kind.encode(), subject.bytes]))
        return opened
