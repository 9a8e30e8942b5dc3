"""The entries of the restriction list, called words, and which of them counts. Pure.

A line names a thing by its random id and its restriction from then on, and contains nothing about a person. The last
word counts: showing an entry again, or removing a mark, writes another line. An ended consent gets only one line,
because a new consent has its own id.

    consent, exception, sharing (by a referral), transfer, match, protocol, certificate, link, entry (of a case record)
                             {}: ended
    implicated (of a case)   {"organisations": [id, …]}
    holder (of a case)       {"holder": id}: the last organisation that took it over
    line_report              {"organisations": [id, …], "no_case": true: the reporter's wish, "aor": …, "area": P-code,
                             "handed": id, "by_wish": true, "refused": [id of an exception, …]}
    code (of a consent)      {"digest": …}: of the person's withdrawal code
    team (of a service)      {"organisation": id, "clients": [account, …]}
    age (of a case)          {"sealed_age": …}: the corrected age, sealed under the case's key
    contact (of a case)      {"at": time of the change, "caregiver": true if nobody may contact them}
    succession               {"organisation": id, "successor": id, "kind": …, "areas": [P-code, …], "at": time}: which
                             organisation takes over cases, according to the directory
    comparison (of a case), channel
                             {"off": true}: withdrawn; {}: active again
    webhook, form            {"gone": true}, {"off": true}; {"secret": mark}: the valid secret
    service, organisation, risk_message
                             {"withdrawn": true, "closed": "suspended", "hidden": {"id of a part": 3}, "held": 1},
                             in the directory's format; the directory applies them
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
    """The content that a referral shared, however it ended: recalled, declined or withdrawn."""
    IMPLICATED = "implicated"
    """The implicated organisations of a case; LINE_REPORT: those of a report to the line."""
    LINE_REPORT = "line_report"
    ENTRY = "entry"
    """An entry of a case record that somebody took back."""
    AGE = "age"
    """The corrected age of the person of a case: it decides which rules protect a child."""
    CONTACT = "contact"
    """How to reach the person of a case, or that nobody may contact their caregiver."""
    HOLDER = "holder"
    """The last organisation that took over a case."""
    SUCCESSION = "succession"
    """The successor of an organisation's cases."""
    TRANSFER = "transfer"
    CODE = "code"
    """The code by which the person withdraws a consent."""
    LINK = "link"
    COMPARISON = "comparison"
    """The consent to compare a case with others; MATCH: the result."""
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
"""Kinds whose words name an organisation, an account or a code."""
Word = Mapping[str, Any]


def signer_of(secret: bytes) -> Signer:
    return Signer(secret, b"ruta-restrictions", ("kind", "id", "word", "at"))


def last_words(lines: Iterable[Mapping[str, Any]], kind: Kind) -> dict[UUID, Word]:
    """Return the last entry for each item of this kind, in the order of first appearance."""
    return {UUID(line["id"]): line["word"] for line in lines if line["kind"] == kind}


def merged(one: Word, other: Word) -> dict[str, Any]:
    """Return the union of the restrictions in two entries about a directory item."""
    both: dict[str, Any] = {**one, **other}
    hidden = dict(one.get("hidden", {}))
    for part, level in other.get("hidden", {}).items():
        hidden[part] = max(level, hidden.get(part, 0))
    held = max(one.get("held", 0), other.get("held", 0))
    return both | {key: value for key, value in (("hidden", hidden), ("held", held)) if value}


def newer(one: Word, other: Word) -> Word:
    """Return the later of two contact entries."""
    return max(one, other, key=lambda word: str(word.get("at", "")))


@dataclass(frozen=True)
class Succession:
    """A succession. `areas`: after a split, the areas whose cases move to the successor. If an organisation ends, all
    cases move."""

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
    """Return successions, earliest first. If a successor has ended too, its own successor replaces it. An organisation
    that later takes over from another has not ended, because people decided otherwise after a restore."""
    turns = sorted(found, key=lambda each: each.at)
    turns = [
        each
        for place, each in enumerate(turns)
        if not (
            each.ends and each.organisation in {later.successor for later in turns[place + 1 :]}
        )
    ]
    for place in reversed(range(len(turns))):
        for later in turns[place + 1 :]:
            if later.ends and later.organisation == turns[place].successor:
                turns[place] = replace(turns[place], successor=later.successor, at=later.at)
                break
    return [each for each in turns if each.successor != each.organisation]


OFF: Word = {"off": True}
GONE: Word = {"gone": True}


def door(secret: bytes, *, active: bool) -> Word:
    """Return the entry for something that a secret unlocks; `secret` is the sealed, stored form."""
    mark = hashlib.sha256(secret).hexdigest()[:32]
    return {"secret": mark} if active else {"secret": mark, **OFF}


def shuts(word: Word, secret: bytes) -> bool:
    """Return whether something with this secret must be switched off."""
    return word != door(secret, active=True)


def accusing(organisations: Iterable[UUID]) -> Word:
    """Return the entry for the organisations that a case or report implicates; empty if there are none."""
    named = sorted(str(each) for each in organisations)
    return {"organisations": named} if named else {}


class WordSeal:
    """Seals entries that name somebody, because the list leaves the host. Equal entries have equal seals, which makes
    duplicates visible."""

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
