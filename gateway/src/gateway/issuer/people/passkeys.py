"""Passkeys (WebAuthn) as a second factor: what a browser is asked for, and what it must bring back.

A signature names the page that asked for it, so nobody can be led to give one to another site. A key is
asked to know its holder by itself (discoverable): so the sign-in page need not say who has one.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

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
    """What came is not what was asked for: another page, another question, another key, nobody there."""


@dataclass(frozen=True)
class Answer:
    """What the browser brought to a question (`challenge`) that was put at `asked_at`."""

    credential: str
    challenge: bytes
    asked_at: datetime


@dataclass(frozen=True)
class NewKey:
    credential_id: bytes
    public_key: bytes
    sign_count: int


class Passkeys:
    """`address`: Ruta's own as browsers see it. Keys are bound to its host for good."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname or ""
        # Browsers offer no passkeys to addresses in figures, nor without TLS.
        secure = parts.scheme == "https" or self._host == "localhost"
        self.offered = secure and not _is_figures(self._host)

    def to_register(
        self, person_id: UUID, sign_in_name: str, challenge: bytes, known: list[bytes]
    ) -> str:
        """The question to a new key, as JSON. `known`: keys of this person, which are not taken twice."""
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
        """The question to whichever key is there, as JSON."""
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
        """How often the key says that it has signed, if this is its signature for this person here."""
        try:
            credential = helpers.parse_authentication_credential_json(answer.credential)
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=answer.challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=public_key,
                # Judged by `is_copied`, for a copied key has to be told, not only refused.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except (helpers.exceptions.WebAuthnException, ValueError, TypeError) as error:
            raise NotAPasskey from error
        if credential.response.user_handle not in {None, person_id.bytes}:
            raise NotAPasskey
        return verified.new_sign_count


def credential_id(credential: str) -> bytes:
    """Which key answers."""
    try:
        return helpers.parse_authentication_credential_json(credential).raw_id
    except (helpers.exceptions.WebAuthnException, ValueError, TypeError) as error:
        raise NotAPasskey from error


def is_copied(before: int, now: int) -> bool:
    """Whether a key that counts did not count on: another one like it has signed (WebAuthn §6.1.1).
    Keys that live on several devices at once do not count, and say 0."""
    return (before, now) != (0, 0) and now <= before


def _is_figures(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
