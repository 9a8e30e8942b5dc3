"""Second factors: a passkey (WebAuthn), a time-based one-time password (RFC 6238) or a recovery code, each usable once.

A passkey's signature names the page that requested it, so no other site can obtain one. Keys must be discoverable, so
that the sign-in page does not reveal who has one. The secret of one-time passwords is sealed. Recovery codes are for
situations in which the person does not have the phone.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

import pyotp
from common import crypto
from common.process.lazily import lazily

if TYPE_CHECKING:
    import webauthn
    from webauthn import helpers
else:
    webauthn, helpers = lazily("webauthn"), lazily("webauthn.helpers")

MOST_KEYS = 10
MOST_NAME = 40
_TIMEOUT_MILLISECONDS = 120_000


class NotAPasskey(Exception):
    """The response comes from another page or key, is for another challenge, or lacks user verification."""


@dataclass(frozen=True)
class Answer:
    """The browser's response to the `challenge` that was created at `asked_at`."""

    credential: str
    challenge: bytes
    asked_at: datetime


@dataclass(frozen=True)
class NewKey:
    credential_id: bytes
    public_key: bytes
    sign_count: int


class Passkeys:
    """Verifies passkeys for Ruta's `address`, as browsers see it. Passkeys are permanently bound to its host."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname or ""
        # Browsers refuse passkeys for numeric addresses and for sites without TLS.
        secure = parts.scheme == "https" or self._host == "localhost"
        self.offered = secure and not _is_figures(self._host)

    def to_register(
        self, person_id: UUID, sign_in_name: str, challenge: bytes, known: list[bytes]
    ) -> str:
        """Return the registration options as JSON. They exclude the person's `known` keys."""
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name="Ruta",
            user_name=sign_in_name,
            user_id=person_id.bytes,
            challenge=challenge,
            timeout=_TIMEOUT_MILLISECONDS,
            authenticator_selection=helpers.structs.AuthenticatorSelectionCriteria(
                resident_key=helpers.structs.ResidentKeyRequirement.REQUIRED,
                user_verification=helpers.structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                helpers.structs.PublicKeyCredentialDescriptor(id=each) for each in known
            ],
        )
        return helpers.options_to_json(options)

    def to_sign_in(self, challenge: bytes) -> str:
        """Return the sign-in options, which accept any passkey, as JSON."""
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=_TIMEOUT_MILLISECONDS,
            user_verification=helpers.structs.UserVerificationRequirement.REQUIRED,
        )
        return helpers.options_to_json(options)

    def registered(self, credential: str, challenge: bytes) -> NewKey:
        try:
            key = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (helpers.exceptions.WebAuthnException, ValueError, TypeError) as error:
            raise NotAPasskey from error
        return NewKey(key.credential_id, key.credential_public_key, key.sign_count)

    def sign_count(self, answer: Answer, person_id: UUID, public_key: bytes) -> int:
        """Return the key's signature counter if the signature is valid for this person and host. Raise NotAPasskey
        otherwise."""
        try:
            credential = helpers.parse_authentication_credential_json(answer.credential)
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=answer.challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=public_key,
                # `is_copied` checks the counter instead, because the use of a copied key must also be recorded.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except (helpers.exceptions.WebAuthnException, ValueError, TypeError) as error:
            raise NotAPasskey from error
        if credential.response.user_handle not in {None, person_id.bytes}:
            raise NotAPasskey
        return verified.new_sign_count


def credential_id(credential: str) -> bytes:
    try:
        return helpers.parse_authentication_credential_json(credential).raw_id
    except (helpers.exceptions.WebAuthnException, ValueError, TypeError) as error:
        raise NotAPasskey from error


def is_copied(before: int, now: int) -> bool:
    """Return whether the signature counter did not increase, which means that another copy of the key has signed
    (WebAuthn §6.1.1). Synced keys always report 0 and are exempt."""
    return (before, now) != (0, 0) and now <= before


def _is_figures(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


STEP_SECONDS = 30
# Also accept the previous and the next step, because clocks drift.
_DRIFT_STEPS = (-1, 0, 1)


class SecondFactors:
    """Time-based one-time passwords. The key that seals their secrets is derived from `master` (32 bytes)."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta second factor")

    def new(self, person_id: UUID) -> tuple[str, bytes]:
        """Return a new secret (base32) and its sealed form."""
        secret = pyotp.random_base32()
        return secret, self.sealed(person_id, secret)

    def sealed(self, person_id: UUID, secret: str) -> bytes:
        return crypto.seal(self._key, secret.encode(), person_id.bytes)

    def step_of(
        self, person_id: UUID, sealed: bytes, code: str, *, now: datetime, last_step: int
    ) -> int | None:
        """Return the time step of this code if it is later than the last used one, or else None."""
        secret = crypto.open_sealed(self._key, sealed, person_id.bytes).decode()
        totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
        current = int(now.timestamp()) // STEP_SECONDS
        for step in (current + drift for drift in _DRIFT_STEPS):
            if step > last_step and pyotp.utils.strings_equal(totp.generate_otp(step), code):
                return step
        return None


def provisioning_uri(secret: str, sign_in_name: str) -> str:
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=sign_in_name, issuer_name="Ruta"
    )


def code_at(uri: str, now: datetime) -> str:
    """Return the code that an authenticator app shows for this provisioning URI."""
    return pyotp.TOTP(pyotp.parse_uri(uri).secret, interval=STEP_SECONDS).at(now)


CODES_OF_A_PERSON = 8
# without characters that are easily misread (0 o, 1 l i); 12 of the 31 characters give 59 bits
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _IN_GROUP = 3, 4


class RecoveryCodes:
    """Recovery codes, stored as keyed digests, so that nobody can search a stolen table for codes. `master` has 32
    bytes."""

    def __init__(self, master: bytes) -> None:
        self._key = crypto.derived(master, b"ruta recovery code")

    def digest(self, person_id: UUID, code: str) -> bytes:
        """Return the digest, which ignores case, spaces and dashes."""
        typed = "".join(code.lower().replace("-", "").split())
        return hmac.new(self._key, person_id.bytes + typed.encode(), hashlib.sha256).digest()


def new_codes() -> list[str]:
    return [_new_code() for _ in range(CODES_OF_A_PERSON)]


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_IN_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
