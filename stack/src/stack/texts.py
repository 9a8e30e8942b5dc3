"""Texts of the command line, in the user's language (`common.words.command_texts`)."""

import os
from collections.abc import Mapping

from common.words.command_texts import LANGUAGE_VARIABLE, Wording, language_of
from common.words.languages import LANGUAGES

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
    """Return the explicitly chosen language if it is not supported, or else None."""
    asked = environment.get(LANGUAGE_VARIABLE)
    return asked if asked and asked not in LANGUAGES else None


def known(words: str) -> str:
    """Translate another process's line if the catalogues contain it."""
    return said(words)


def speak_for_programs() -> None:
    """Print English from now on, also in child processes, because programs read the output."""
    os.environ[LANGUAGE_VARIABLE] = "en"
