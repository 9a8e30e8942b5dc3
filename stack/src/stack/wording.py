"""Texts of the command line, in the language of its reader (`common.words.wording`)."""

import os
from collections.abc import Mapping

from common.words.languages import LANGUAGES
from common.words.wording import LANGUAGE_VARIABLE, Wording, language_of

__all__ = [
    "LANGUAGE_VARIABLE",
    "known",
    "language_of",
    "said",
    "speak_for_programs",
    "unknown_language",
]

said = Wording("stack").said


def unknown_language(environment: Mapping[str, str]) -> str | None:
    """The explicit choice of a language that is not supported."""
    asked = environment.get(LANGUAGE_VARIABLE)
    return asked if asked and asked not in LANGUAGES else None


def known(words: str) -> str:
    """The line of another process, in the reader's language if the catalogues have it."""
    return said(words)


def speak_for_programs() -> None:
    """Output for programs is English everywhere: from here on, also in processes that this one starts."""
    os.environ[LANGUAGE_VARIABLE] = "en"
