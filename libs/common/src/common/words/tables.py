"""Tables and texts that ship with a package. Each file contains Spanish and English side by side; the package's
catalogues add the other languages."""

import csv
import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeVar

from common.words.catalogues import catalogue
from common.words.languages import FURTHER, LANGUAGES

Part = TypeVar("Part")


def rows(package: str, name: str) -> list[dict[str, str]]:
    """Return the rows of `NAME.csv`. `name` may contain folders: `data/columns`."""
    table = files(package).joinpath(*f"{name}.csv".split("/"))
    found = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return completed(package, list(found))


def tree(package: str, name: str) -> Any:
    file = files(package).joinpath(*f"{name}.json".split("/"))
    return completed(package, json.loads(file.read_bytes()))


def by_language(row: Mapping[str, str], column: str = "label") -> Mapping[str, str]:
    """Return a row's text by language, from `label_es`, `label_en` …; for the column "", from `es`, `en` …"""
    start = f"{column}_" if column else ""
    return MappingProxyType({code: row[start + code] for code in LANGUAGES})


def completed(package: str, part: Part) -> Part:
    """Add the other languages to every part with `es` and `en`, or `label_es` and `label_en`. Texts that the catalogues
    lack remain in English; a test reports them."""
    if isinstance(part, dict):
        found = {name: completed(package, each) for name, each in part.items()}
        for name in part:
            stem = str(name).removesuffix("en")
            if (not stem or stem.endswith("_")) and name != stem and f"{stem}es" in part:
                further = {f"{stem}{code}": _in(package, code, part[name]) for code in FURTHER}
                found |= further
        return found  # type: ignore[return-value]
    if isinstance(part, list):
        return [completed(package, each) for each in part]  # type: ignore[return-value]
    return part


def _in(package: str, language: str, english: Any) -> Any:
    if isinstance(english, dict):
        return {name: _in(package, language, each) for name, each in english.items()}
    if isinstance(english, list | tuple | frozenset):
        return type(english)(_in(package, language, each) for each in english)
    return catalogue(package.partition(".")[0], language).get(english, english)
