"""Page texts, in gettext catalogues whose keys are the ids, so that neither language is the source of the other."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from common.words import choices
from common.words.catalogues import entries
from common.words.languages import LANGUAGES

_LIST_OF = {
    "not-now": "decline",
    "give-back": "decline",
    "transfer": "take-back",
    "take-asked": "offer",
}
"""Command → its list in `reasons.csv`, if the name differs."""


class UnknownText(LookupError):
    """A page requested a text that is in no catalogue."""


class Wording:
    """The texts of one language."""

    def __init__(self, language: str, texts: Mapping[str, str | tuple[str, ...]]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Return the text for a key with its placeholders filled; `n` chooses singular or plural."""
        text = self._texts.get(key)
        if text is None:
            raise UnknownText(key)
        if not isinstance(text, str):
            text = text[0] if values.get("n") == 1 else text[1]
        return text.format(**values) if values else text

    def known(self, key: str, otherwise: str) -> str:
        """Return the text for a key that this console may not know yet, or else the text for `otherwise`."""
        return self(key if key in self._texts else otherwise)

    def label(self, name: str) -> str:
        """Return a field's label from its own form, from any form, or from a referral item."""
        last = name.removesuffix("[]").split("/")[-1]
        for key in (f"field.{name}", f"field.any/{last}", f"item.{last}"):
            if key in self._texts:
                return self(key)
        return self("field.other")

    def code(self, command: str, code: str) -> str:
        """Return the label of a choice: the command's own label, or else the general one."""
        word = f"word.{code}"
        key = f"code.{_LIST_OF.get(command, command)}.{code}"
        return self.known(key, word if word in self._texts else "code.other")

    def case_word(self, word: str | None) -> str:
        """Return the team's word for a case, or empty."""
        key = f"case_word.{word}"
        return self(key) if key in self._texts else ""

    def has(self, key: str) -> bool:
        return key in self._texts

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._texts)


@cache
def wording(language: str) -> Wording:
    """Load the labels for choices and all catalogues in `languages/CODE`. `planning.po` is for planning and monitoring
    pages."""
    texts: dict[str, str | tuple[str, ...]] = dict(choices.texts(language))
    for part in files("console").joinpath("languages", language).iterdir():
        for key, said in entries(part.read_text(encoding="utf-8")):
            if key in texts:
                raise ValueError(f"{key} stands in two parts of the catalogue")
            texts[key] = said
    return Wording(language, texts)


def load_all() -> None:
    """Load all languages at startup, so that no visitor waits and a broken catalogue prevents the start."""
    for language in LANGUAGES:
        wording(language)
