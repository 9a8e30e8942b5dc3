"""What the command line says, in the language of whoever reads it.

The English text in the source is the text's id; Spanish stands in `catalogues`, which are read only when somebody
reads Spanish. `said("no log in {root}", root=…)` is the text with its places filled. A text holds the whole sentence:
one made of parts has an order of words that another language does not.
"""

import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGE_VARIABLE = "RUTA_LANGUAGE"
SPOKEN = ("en", "es")
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_PLAIN = {"C": "en", "POSIX": "en"}


def language_of(environment: Mapping[str, str]) -> str:
    """What is asked for in so many words, else the first language that the locale names and we speak; else English."""
    names = (LANGUAGE_VARIABLE, *_LOCALES)
    # es_VE.UTF-8, es-VE, C.UTF-8
    codes = (
        environment.get(name, "").partition(".")[0].replace("-", "_").partition("_")[0]
        for name in names
    )
    return next((code for each in codes if (code := _PLAIN.get(each, each)) in SPOKEN), "en")


def unknown_language(environment: Mapping[str, str]) -> str | None:
    """What is asked for in so many words and not spoken."""
    asked = environment.get(LANGUAGE_VARIABLE)
    return asked if asked and asked not in SPOKEN else None


def said(text: str, /, **values: object) -> str:
    """`text`, one of the ids of the catalogues, with its places filled."""
    spoken = _spanish().get(text, text) if language_of(os.environ) == "es" else text
    return spoken.format(**values) if values else spoken


def known(words: str) -> str:
    """What another process said, in the language that is read where the catalogues have it; else as it is."""
    return said(words)


def speak_for_programs() -> None:
    """What programs read is the same everywhere: English from here on, also of what this process starts."""
    os.environ[LANGUAGE_VARIABLE] = "en"


@cache
def _spanish() -> Mapping[str, str]:
    from common.catalogues import entries  # noqa: PLC0415 - most who start it read English

    return {
        text: spanish
        for part in files("stack").joinpath("catalogues").iterdir()
        if part.name.endswith(".po")
        for text, spanish in entries(part.read_text(encoding="utf-8"))
        if isinstance(spanish, str)
    }
