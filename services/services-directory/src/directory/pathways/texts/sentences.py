"""Turns reasons, findings and states into Spanish and English, from one table of sentences."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from common.words import codelists
from common.words.languages import LANGUAGES
from common.words.tables import completed

from directory.pathways.texts.findings import Finding
from directory.pathways.texts.hours import time_of_week
from directory.pathways.texts.reasons import Reason

Said = dict[str, str]
"""A sentence in every language, by ISO 639-1 code."""


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    source = files(__package__) / "sentences.toml"
    return completed("directory", tomllib.loads(source.read_text(encoding="utf-8")))


def say(section: str, code: str, facts: Mapping[str, Any] | None = None) -> Said:
    """Return the sentence for `code` in both languages. Raise KeyError for an unknown code."""
    sentences = _table()[section][code]
    known = _Facts(facts or {})
    return {language: sentences[language].format_map(known) for language in LANGUAGES}


def say_reason(reason: Reason) -> Said:
    """Return the sentence for a reason. Codes among its facts become labels."""
    return dict(_said_reason(reason))


@lru_cache(maxsize=4096)
def _said_reason(reason: Reason) -> tuple[tuple[str, str], ...]:
    sentences = _table()["reasons"][reason.code]
    return tuple(
        (language, sentences[language].format_map(_Facts(_labelled(reason, language))))
        for language in LANGUAGES
    )


def _labelled(reason: Reason, language: str) -> dict[str, str | int]:
    return {name: _label(name, value, language) for name, value in reason.facts}


def _label(name: str, value: str | int, language: str) -> str | int:
    if isinstance(value, str):
        return _labels(name, value, language)
    return time_of_week(value, language) if name == "opens" else value


def _labels(name: str, codes: str, language: str) -> str:
    """Return the labels for the codes, separated by commas, if the fact's name has a code list."""
    lists: dict[str, Callable[[], codelists.CodeList[Any]]] = {
        "languages": codelists.languages,
        "populations": codelists.populations,
        "delay": lambda: codelists.referral_attributes()["response_delay"],
    }
    if name not in lists:
        return codes
    known = lists[name]()
    said = [known.label(code, language) if code in known else code for code in codes.split(", ")]
    joined = ", ".join(said)
    return joined[:1].lower() + joined[1:] if name == "delay" else joined


def say_finding(finding: Finding) -> Said:
    """Return the sentence for a validation finding, including its step."""
    return say("findings", finding.code, {"step": finding.step or "", **dict(finding.facts)})


class _Facts(dict[str, Any]):
    """The facts of a sentence. A missing fact becomes "–", so that the sentence stays readable."""

    def __missing__(self, key: str) -> str:
        return "–"
