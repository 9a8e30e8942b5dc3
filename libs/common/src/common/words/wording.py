"""Texts of commands, in the language of their reader.

The English text in the source is the id; Spanish is in the package's catalogues, which are read only for Spanish.
`said("no log in {root}", root=…)` fills the places of a text. A text is a whole sentence: other languages order the
parts differently.
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
    """The language that was asked for, else the first supported one of the locale, else English."""
    names = (LANGUAGE_VARIABLE, *_LOCALES)
    # es_VE.UTF-8, es-VE, C.UTF-8
    codes = (
        environment.get(name, "").partition(".")[0].replace("-", "_").partition("_")[0]
        for name in names
    )
    return next((code for each in codes if (code := _PLAIN.get(each, each)) in SPOKEN), "en")


class Worded(Exception):
    """An error that somebody may read in their language (`Wording.told`), and whose places may hold another; in logs and
    where programs read it is English."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self.text = text
        self.values = values


class Wording:
    """Texts of one package's commands: its catalogues (`….es.po` in `folder` of the package) and those of the shared
    code."""

    def __init__(self, package: str, folder: str = "") -> None:
        self._places = dict.fromkeys(((package, folder), ("common", "")))

    def said(self, text: str, /, **values: object) -> str:
        """`text`, one of the ids of the catalogues, with its places filled."""
        spoken = self._spanish(text) if language_of(os.environ) == "es" else text
        return spoken.format(**values) if values else spoken

    def told(self, error: Exception) -> str:
        """The text of an error; errors of others as they are."""
        if not isinstance(error, Worded):
            return str(error)
        return self.said(
            error.text, **{name: self._part(each) for name, each in error.values.items()}
        )

    def _part(self, value: object) -> object:
        return self.told(value) if isinstance(value, Worded) else value

    def _spanish(self, text: str) -> str:
        found = (spanish_of(*place).get(text) for place in self._places)
        return next(filter(None, found), text)


@cache
def spanish_of(package: str, folder: str = "") -> Mapping[str, str]:
    """Spanish by text, of a package's commands. ValueError where a text stands twice."""
    from common.words.catalogues import entries  # noqa: PLC0415 - most who start it read English

    found: dict[str, str] = {}
    for part in files(package).joinpath(folder).iterdir():
        if not part.name.endswith("es.po"):
            continue
        for text, spanish in entries(part.read_text(encoding="utf-8")):
            if text in found or not isinstance(spanish, str):
                raise ValueError(f"{part.name}: {text!r} stands twice, or in several forms")
            found[text] = spanish
    return found


_shared = Wording("common")
said, told = _shared.said, _shared.told
"""Of what all packages share."""
