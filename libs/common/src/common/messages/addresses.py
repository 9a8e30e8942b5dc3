"""Normalises e-mail addresses and telephone numbers. Pure."""

import re

from email_validator import EmailNotValidError, validate_email

from common.words.details import Coded

# ITU-T E.164: a country code and at most fifteen digits.
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_WRITTEN_BETWEEN = re.compile(r"[\s().-]")


class NotAnAddress(Coded):
    """The address is invalid. The message describes the error and contains no part of the address."""


def mailbox(text: str) -> str:
    """Return the normalised mailbox, with its domain in lower case. Do not query DNS."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise NotAnAddress("write_one_mailbox") from error


def telephone(text: str) -> str:
    """Convert any usual notation to E.164."""
    number = _WRITTEN_BETWEEN.sub("", text)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not _E164.fullmatch(number):
        raise NotAnAddress("write_number_with_country_code")
    return number
