"""Says reasons, findings and states in Spanish and English from one table of sentences."""

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from services_directory.pathways.findings import Finding
from services_directory.pathways.reasons import Reason

LANGUAGES = ("es", "en")
Said = dict[str, str]
"""A sentence in every language, by ISO 639-1 code."""


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    source = files(__package__) / "wording.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def say(section: str, code: str, facts: Mapping[str, Any] | None = None) -> Said:
    """The sentence of `code` in both languages; raises KeyError for an unknown code."""
    sentences = _table()[section][code]
    known = _Facts(facts or {})
    return {language: sentences[language].format_map(known) for language in LANGUAGES}


def say_reason(reason: Reason) -> Said:
    """A reason for or against a service."""
    return dict(_said_reason(reason))


@lru_cache(maxsize=4096)
def _said_reason(reason: Reason) -> tuple[tuple[str, str], ...]:
    return tuple(say("reasons", reason.code, dict(reason.facts)).items())


def say_finding(finding: Finding) -> Said:
    """A finding of the validation, with its step named."""
    return say("findings", finding.code, {"step": finding.step or "", **dict(finding.facts)})


class _Facts(dict[str, Any]):
    """A fact that a sentence names and nobody gave stays readable."""

    def __missing__(self, key: str) -> str:
        return "–"
