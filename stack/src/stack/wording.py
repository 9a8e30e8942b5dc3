"""What the command line says, in the language of whoever reads it (`common.words.wording`)."""

import os
from collections.abc import Mapping

from common.words.wording import LANGUAGE_VARIABLE, SPOKEN, Wording, language_of

__all__ = [
    "LANGUAGE_VARIABLE",
    "known",
    "language_of",
    "said",
    "speak_for_programs",
    "unknown_language",
]

said = Wording("stack", "catalogues").said


def unknown_language(environment: Mapping[str, str]) -> str | None:
    """What is asked for in so many words and not spoken."""
    asked = environment.get(LANGUAGE_VARIABLE)
    return asked if asked and asked not in SPOKEN else None


def known(words: str) -> str:
    """What another process said, in the language that is read where the catalogues have it; else as it is."""
    return said(words)


def speak_for_programs() -> None:
    """What programs read is the same everywhere: English from here on, also of what this process starts."""
    os.environ[LANGUAGE_VARIABLE] = "en"
