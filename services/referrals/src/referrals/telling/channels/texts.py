"""All that a message may say: that there is something, and where. Pure.

No name, service, area, urgency, number or sender that tells what it is about; the same text for
everything. Each fits one short message of 160 characters of the GSM alphabet, which has no í, ó or ú.
"""

from collections.abc import Mapping

from common.messages.handing import Message
from common.words.languages import PageLanguage

_SUBJECT = "Ruta"
_SOMETHING: Mapping[PageLanguage, str] = {
    "es": "Hay algo nuevo en Ruta: {address}",
    "en": "There is something new in Ruta: {address}",
}
_CODE: Mapping[PageLanguage, str] = {
    "es": "Ruta: {code} confirma este contacto. Si no es para usted, no haga nada.",
    "en": "Your Ruta code: {code}. If you did not ask for it, do nothing.",
}


def something_new(language: PageLanguage, address: str) -> Message:
    """`address`: that of the front, the same for everybody."""
    return Message(_SUBJECT, _SOMETHING[language].format(address=address))


def code(language: PageLanguage, digits: str) -> Message:
    return Message(_SUBJECT, _CODE[language].format(code=digits))
