"""Decides which two cases of different organisations may concern the same person. Pure.

Compares keyed digests (HMAC-SHA-256 with the service's own key) of a document number, or of a whole name with the date
of birth. The digests exist only while the person consents.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from referrals.ground.keys.blind_index import document_form, name_tokens

_DIGEST_BYTES = 16
_WHOLE_NAME = 2
_DOCUMENT = 5


class Matching:
    def __init__(self, server_key: bytes) -> None:
        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=b"case matching").derive(server_key)

    def digests(self, identity: Mapping[str, Any]) -> set[bytes]:
        """Return the digests; empty if the case has too little data to compare."""
        found = set()
        number = document_form((identity.get("document") or {}).get("number") or "")
        if len(number) >= _DOCUMENT:
            found.add(f"document\n{number}")
        born = identity.get("birth_date")
        for name in [identity.get("name") or "", *(identity.get("other_names") or [])]:
            words = name_tokens(name)
            if born and len(words) >= _WHOLE_NAME:
                found.add(f"name\n{' '.join(words)}\n{born}")
        return {
            hmac.new(self._key, text.encode(), hashlib.sha256).digest()[:_DIGEST_BYTES]
            for text in found
        }
