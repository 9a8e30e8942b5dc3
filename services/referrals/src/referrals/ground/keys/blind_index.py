"""Finds an organisation's own cases by name or document, without storing either in plain text. Pure.

Digests are HMAC-SHA-256 under one key per organisation. Equal names in two organisations have different digests, and a
dump without the key reveals nothing.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

_DIGEST_BYTES = 16
_MINIMUM_TOKEN = 2


def name_tokens(name: str) -> list[str]:
    """Return a name's words in comparable form, ignoring accents, case and order."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return sorted({t for t in re.findall(r"\w+", letters) if len(t) >= _MINIMUM_TOKEN})


_SOUNDS = (
    ("ph", "f"), ("ch", "%"), ("ll", "i"), ("h", ""), ("y", "i"), ("v", "b"), ("w", "u"),
    ("qu", "k"), ("ce", "se"), ("ci", "si"), ("c", "k"), ("z", "s"), ("x", "s"), ("ge", "je"),
    ("gi", "ji"),
)  # fmt: skip
"""Letters that people in Latin America confuse in writing, in the order of replacement."""


def sound(word: str) -> str:
    """Return the sound of a word, so that Yusmary matches Yusmari and Gonzales matches González."""
    heard = word
    for written, said in _SOUNDS:
        heard = heard.replace(written, said)
    return re.sub(r"(.)\1+", r"\1", heard) or word


def document_form(number: str) -> str:
    """Return a document number without the punctuation that people write differently."""
    return re.sub(r"[\W_]", "", number).casefold()


class BlindIndex:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def digests(self, organisation: UUID, identity: Mapping[str, Any]) -> set[bytes]:
        names = [identity.get("name") or "", *(identity.get("other_names") or [])]
        entries = {("name", sound(token)) for name in names for token in name_tokens(name)}
        document = identity.get("document") or {}
        if document.get("number"):
            entries.add(("document", document_form(document["number"])))
        if identity.get("own_reference"):
            entries.add(("reference", document_form(identity["own_reference"])))
        return {self._digest(organisation, kind, text) for kind, text in entries}

    def wanted(
        self,
        organisation: UUID,
        name: str | None = None,
        document: str | None = None,
        own_reference: str | None = None,
    ) -> set[bytes]:
        """Return the digests that a case must all have to match the search."""
        entries: Iterable[tuple[str, str]] = [
            *(("name", sound(token)) for token in name_tokens(name or "")),
            *([("document", document_form(document))] if document else []),
            *([("reference", document_form(own_reference))] if own_reference else []),
        ]
        return {self._digest(organisation, kind, text) for kind, text in entries}

    def _digest(self, organisation: UUID, kind: str, text: str) -> bytes:
        own = hmac.new(self._key, organisation.bytes, hashlib.sha256).digest()
        return hmac.new(own, f"{kind}\n{text}".encode(), hashlib.sha256).digest()[:_DIGEST_BYTES]
