"""What is written to subscribers. These mails may say what they are about: they concern nobody. Pure."""

from collections.abc import Mapping, Sequence

from common.messages.handing import Message
from common.words.languages import PageLanguage

_CONFIRM: Mapping[PageLanguage, tuple[str, str]] = {
    "es": (
        "Ruta: confirme su suscripción",
        (
            "Alguien pidió recibir los boletines en este correo. Si fue usted, confírmelo aquí:\n\n"
            "{link}\n\nSi no fue usted, no haga nada: en dos días esta dirección se borra."
        ),
    ),
    "en": (
        "Ruta: confirm your subscription",
        (
            "Somebody asked for bulletins to be sent to this mailbox. If it was you, confirm it here:\n\n"
            "{link}\n\nIf it was not, do nothing: in two days this address is deleted."
        ),
    ),
}
_NEW: Mapping[PageLanguage, tuple[str, str]] = {
    "es": (
        "Ruta: nuevo boletín",
        "Se publicó:\n\n{list}\n\nPara no recibir más boletines y borrar esta dirección:\n{leave}",
    ),
    "en": (
        "Ruta: new bulletin",
        "Published:\n\n{list}\n\nTo unsubscribe and delete this address:\n{leave}",
    ),
}


def confirm(language: PageLanguage, link: str) -> Message:
    subject, text = _CONFIRM[language]
    return Message(subject, text.format(link=link))


def new(language: PageLanguage, issues: Sequence[tuple[str, str]], leave: str) -> Message:
    """`issues`: what each is called, and where it is; `leave`: the link that ends it (RFC 8058)."""
    subject, text = _NEW[language]
    listed = "\n\n".join(f"{title}\n{address}" for title, address in issues)
    headers = {
        "List-Unsubscribe": f"<{leave}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return Message(subject, text.format(list=listed, leave=leave), headers)
