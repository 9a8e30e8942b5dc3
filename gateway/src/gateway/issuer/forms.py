"""Parses the forms that clients send to the token endpoint (RFC 6749 §2.3.1, §3.2). Pure."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from common.auth import InvalidToken, client_named_by
from common.words.details import Coded

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_FIELDS = 20
_MAX_VALUE = 4096


class BadForm(Coded):
    """The body is not a form or repeats a parameter: `invalid_request`."""


@dataclass(frozen=True)
class Credentials:
    """A client's credentials: a secret, an assertion signed with its key (RFC 7523), or neither for a public client.
    `basic` means that they came in the header."""

    client_id: str
    secret: str | None
    basic: bool
    assertion: str | None = None


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Parse the parameters. Each may occur only once, and an empty one counts as absent (RFC 6749 §3.2)."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadForm("send_form_urlencoded")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise BadForm("form_could_not_be_read") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise BadForm("parameter_may_occur_only_once")
        if len(value) > _MAX_VALUE or "\x00" in value:
            raise BadForm("parameter_is_too_long_or_holds_nul")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def credentials(authorization: str | None, form: Mapping[str, str]) -> Credentials | None:
    """Return the client's name and its proof. Raise BadForm if it sends them in two ways."""
    if "client_assertion" in form or "client_assertion_type" in form:
        if authorization is not None or "client_secret" in form:
            raise BadForm("authenticate_in_one_way_only")
        return _asserted(form)
    if authorization is not None:
        if "client_secret" in form:
            raise BadForm("authenticate_in_one_way_only")
        return _basic(authorization)
    client_id = form.get("client_id")
    if client_id is None:
        return None
    return Credentials(client_id, form.get("client_secret"), basic=False)


def _asserted(form: Mapping[str, str]) -> Credentials | None:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise BadForm("assertion_is_of_this_type", ASSERTION_TYPE)
    assertion = form.get("client_assertion", "")
    try:
        client_id = client_named_by(assertion)
    except InvalidToken:
        return None
    if form.get("client_id", client_id) != client_id or "\x00" in client_id:
        return None
    return Credentials(client_id, None, basic=False, assertion=assertion)


def _basic(authorization: str) -> Credentials | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = text.partition(":")
    if not colon or not client_id or "\x00" in text:
        return None
    return Credentials(unquote_plus(client_id), unquote_plus(secret), basic=True)
