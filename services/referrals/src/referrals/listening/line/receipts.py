"""Receipts: the number that is a report's only key. Pure.

A form contains a token of 128 random bits. The token and the server secret determine the receipt. A repeated form
therefore gives the same receipt, and neither is stored. From the receipt, Argon2id (RFC 9106) derives the report's
locator and the key that opens the reporter's key.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGITS = 20
"""66 bits: more than the 16 digits that the rules require, and five groups of four to write down."""
FORM_DAYS = 30
_NONCE_BYTES, _TIME_BYTES, _TAG_BYTES = 16, 8, 16
_LOCATOR_BYTES, _KEY_BYTES = 16, 32


class BadForm(Exception):
    """The form's token is invalid or too old. The page shows the form again with its text."""


@dataclass(frozen=True)
class Form:
    nonce: bytes
    issued_at: datetime


@dataclass(frozen=True)
class Unlocked:
    """The keys derived from a receipt. `key` opens the reporter's key and is never stored."""

    locator: bytes
    key: bytes


@dataclass(frozen=True)
class Cost:
    """The cost of opening one receipt: the second recommended option of RFC 9106 section 4, in one lane."""

    memory_kib: int = 64 * 1024
    passes: int = 3


class Receipts:
    """Issues and opens receipts. `server_key` is any secret of the service. `cost` is for tests; a different cost gives
    different locators and keys."""

    def __init__(self, server_key: bytes, cost: Cost | None = None) -> None:
        self._cost = cost or Cost()
        self._forms = _derived(server_key, b"line forms")
        self._receipts = _derived(server_key, b"line receipts")
        self._salt = _derived(server_key, b"line argon2 salt")
        self._texts = _derived(server_key, b"line texts")

    def new_form(self, now: datetime) -> str:
        issued = int(now.timestamp()).to_bytes(_TIME_BYTES, "big")
        signed = secrets.token_bytes(_NONCE_BYTES) + issued
        return base64.urlsafe_b64encode(signed + self._tag(signed)).decode().rstrip("=")

    def read_form(self, token: str, now: datetime) -> Form:
        """Return the token's content; raise BadForm if the token is invalid."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadForm from error
        signed, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        whole = len(raw) == _NONCE_BYTES + _TIME_BYTES + _TAG_BYTES
        if not whole or not hmac.compare_digest(tag, self._tag(signed)):
            raise BadForm
        issued = datetime.fromtimestamp(int.from_bytes(signed[_NONCE_BYTES:], "big"), tz=UTC)
        if now - issued > timedelta(days=FORM_DAYS):
            raise BadForm
        return Form(signed[:_NONCE_BYTES], issued)

    def receipt_of(self, form: Form) -> str:
        """Return the twenty digits of the form's receipt. They are always the same for a form and impossible to guess
        without it."""
        digest = hmac.new(self._receipts, form.nonce, hashlib.sha512).digest()
        return f"{int.from_bytes(digest, 'big') % 10**DIGITS:0{DIGITS}d}"

    def unlock(self, receipt: str) -> Unlocked:
        """Derive the keys, deliberately slowly and equally slowly for every receipt. Run it in a thread."""
        raw = hash_secret_raw(
            receipt.encode(),
            self._salt,
            time_cost=self._cost.passes,
            memory_cost=self._cost.memory_kib,
            parallelism=1,
            hash_len=_LOCATOR_BYTES + _KEY_BYTES,
            type=Type.ID,
        )
        return Unlocked(raw[:_LOCATOR_BYTES], raw[_LOCATOR_BYTES:])

    def text_digest(self, text: str) -> bytes:
        """Return a digest that detects repeated text without storing the text."""
        words = " ".join(text.casefold().split())
        return hmac.new(self._texts, words.encode(), hashlib.sha256).digest()[:16]

    def _tag(self, signed: bytes) -> bytes:
        return hmac.new(self._forms, signed, hashlib.sha256).digest()[:_TAG_BYTES]


def digits_of(typed: str) -> str | None:
    """Return the digits of a typed receipt, without spaces and punctuation; None if it cannot be a receipt."""
    digits = re.sub(r"[\s.\-_/]", "", typed)
    return digits if len(digits) == DIGITS and digits.isascii() and digits.isdigit() else None


def in_groups(receipt: str) -> str:
    return " ".join(receipt[at : at + 4] for at in range(0, DIGITS, 4))


def _derived(server_key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(server_key)
