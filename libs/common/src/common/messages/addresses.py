"""Mailboxes and telephones as they are mailed to. Pure."""

import re

from email_validator import EmailNotValidError, validate_email

from common.words.details import Coded

# ITU-T E.164: a country code and at most fifteen digits.
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_WRITTEN_BETWEEN = re.compile(r"[\s().-]")


class NotAnAddress(Coded):
    """The message names the error and repeats nothing of the address."""


def mailbox(text: str) -> str:
    """The mailbox as it is mailed to; its domain in small letters. It is not looked up here."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise NotAnAddress("write_one_mailbox") from error


def telephone(text: str) -> str:
    """E.164, from any usual way to write it."""
    number = _WRITTEN_BETWEEN.sub("", text)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not _E164.fullmatch(number):
        raise NotAnAddress("write_number_with_country_code")
    return number
