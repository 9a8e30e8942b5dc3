"""Command texts in the reader's language.

The English text in the source is the key. The package's catalogues contain the other languages and are read on demand.
`said("no log in {root}", root=…)` fills in the placeholders of a text. Each text is a whole sentence, because other
languages order the parts differently.
"""

import os
from collections.abc import Mapping

from common.words.languages import LANGUAGES

LANGUAGE_VARIABLE = "RUTA_LANGUAGE"
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_PLAIN = {"C": "en", "POSIX": "en"}


def language_of(environment: Mapping[str, str]) -> str:
    """Return the requested language, or else the first supported one of the locale, or else English."""
    names = (LANGUAGE_VARIABLE, *_LOCALES)
    # es_VE.UTF-8, es-VE, C.UTF-8
    codes = (
        environment.get(name, "").partition(".")[0].replace("-", "_").partition("_")[0]
        for name in names
    )
    return next((code for each in codes if (code := _PLAIN.get(each, each)) in LANGUAGES), "en")


class Worded(Exception):
    """An error with a translatable text (`Wording.told`). Its values may also be such errors. Logs and programs get it
    in English."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self.text = text
        self.values = values


class Wording:
    """The texts of one package's commands, from its own catalogues (`languages/CODE/*.po`) and the shared ones."""

    def __init__(self, package: str) -> None:
        self._packages = dict.fromkeys((package, "common"))

    def said(self, text: str, /, **values: object) -> str:
        """Return `text`, a key of the catalogues, translated and with its placeholders filled in."""
        language = language_of(os.environ)
        spoken = text if language == "en" else self._in(language, text)
        return spoken.format(**values) if values else spoken

    def told(self, error: Exception) -> str:
        """Return the text of an error. It is translated if the error is one of ours."""
        if not isinstance(error, Worded):
            return str(error)
        return self.said(
            error.text, **{name: self._part(each) for name, each in error.values.items()}
        )

    def _part(self, value: object) -> object:
        return self.told(value) if isinstance(value, Worded) else value

    def _in(self, language: str, text: str) -> str:
        from common.words.catalogues import catalogue  # noqa: PLC0415 - most who start it read English

        found = (catalogue(package, language).get(text) for package in self._packages)
        return next(filter(None, found), text)


_shared = Wording("common")
said, told = _shared.said, _shared.told
"""For the texts that all packages share."""
