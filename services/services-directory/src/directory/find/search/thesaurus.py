"""Maps people's words for their needs to service categories, in Spanish, English and border languages.

The table is data and is checked when it is loaded. A concept means its own categories first, then those of broader
concepts. Whole phrases match, the longest first, ignoring accents and case; a plural matches its singular.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from common.words import codelists
from common.words.languages import LANGUAGES
from common.words.places import folded, spelled_out
from common.words.tables import completed

SUGGESTED = 8
_LANGUAGES = (*LANGUAGES, "other")
# The number of synonyms that a matched phrase adds to the search.
_STANDING_IN = 16


class ThesaurusError(Exception):
    """The table is invalid. The message contains the line and the reason."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The words of a search, the categories that they mean (nearest first), and synonyms. `danger` means that a person
    who uses these words needs help now."""

    said: str
    categories: tuple[str, ...]
    words: tuple[str, ...] = ()
    danger: bool = False

    def plain(self) -> dict[str, object]:
        return {"said": self.said, "categories": [_labelled(code) for code in self.categories]}


@dataclass(frozen=True, slots=True)
class Concept:
    line: int
    name: str
    broader: str
    categories: tuple[str, ...]
    phrases: Mapping[str, tuple[str, ...]]
    danger: bool = False


class Thesaurus:
    def __init__(self, concepts: Mapping[str, Concept]) -> None:
        self._phrases: dict[str, Meant] = {}
        self._spoken: list[tuple[str, str]] = []
        for concept in concepts.values():
            self._take(concept, _inherited(concept, concepts))
        self._longest = max(len(phrase.split()) for phrase in self._phrases)
        self._vocabulary = frozenset(w for phrase in self._phrases for w in phrase.split())

    def _take(self, concept: Concept, codes: tuple[str, ...]) -> None:
        words = tuple(dict.fromkeys(folded(p) for each in concept.phrases.values() for p in each))
        for language, phrases in concept.phrases.items():
            for phrase in phrases:
                key = folded(phrase)
                other = tuple(word for word in words if word != key)
                known = self._phrases.get(key)
                if known is not None:
                    codes_of_all = tuple(dict.fromkeys((*known.categories, *codes)))
                    other = (*known.words, *other)
                    danger = known.danger or concept.danger
                    self._phrases[key] = Meant(key, codes_of_all, other, danger)
                else:
                    self._phrases[key] = Meant(key, codes, other, concept.danger)
                self._spoken.append((phrase, language))

    def understood(self, search: str) -> list[Meant]:
        """Return the meanings of the words, in order. Words without a meaning are skipped."""
        words = folded(search.replace('"', " ")).split()
        found: list[Meant] = []
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                known = self._known(words[at : at + length])
                if known is not None:
                    phrase = " ".join(words[at : at + length])
                    found.append(replace(known, said=phrase, words=known.words[:_STANDING_IN]))
                    at += length
                    break
            else:
                at += 1
        return found

    def _known(self, words: list[str]) -> Meant | None:
        phrase = " ".join(words)
        found = self._phrases.get(phrase) or self._phrases.get(_singular(phrase, self._phrases))
        if found is None and len(words) == 2:  # so that "wheel chair" matches "wheelchair"
            return self._phrases.get("".join(words))
        return found

    def suggestions(self, beginning: str, language: str) -> list[Meant]:
        """Suggest meanings for the text so far: phrases that begin with it, then phrases with a word that does."""
        wanted = folded(beginning)
        if len(wanted) < 2:
            return []
        spoken = [phrase for phrase, tongue in self._spoken if tongue in {language, "other"}]
        first = [phrase for phrase in spoken if folded(phrase).startswith(wanted)]
        then = [phrase for phrase in spoken if f" {wanted}" in f" {folded(phrase)}"]
        chosen = list(dict.fromkeys([*first, *then]))[:SUGGESTED]
        return [Meant(phrase, self._phrases[folded(phrase)].categories) for phrase in chosen]

    def knows(self, phrase: str) -> bool:
        return phrase in self._phrases

    def spoken(self, language: str) -> frozenset[str]:
        """Return the folded words of all phrases in one language."""
        phrases = (phrase for phrase, tongue in self._spoken if tongue == language)
        return frozenset(word for phrase in phrases for word in folded(phrase).split())

    def corrected(self, search: str) -> str | None:
        """Return the search with place abbreviations expanded and unknown words corrected; None if unchanged."""
        words = folded(search)
        read = [
            w if w in self._vocabulary else _nearest(w, self._vocabulary) or w
            for w in spelled_out(words).split()
        ]
        return " ".join(read) if read != words.split() else None


def _inherited(concept: Concept, concepts: Mapping[str, Concept]) -> tuple[str, ...]:
    """Return the concept's own categories, then those of broader concepts. Refuse a cycle."""
    codes: list[str] = []
    path = [concept.name]
    while True:
        codes += concept.categories
        if not concept.broader:
            return tuple(dict.fromkeys(codes))
        if concept.broader not in concepts:
            raise ThesaurusError(f"line {concept.line}: no concept is named {concept.broader!r}")
        path.append(concept.broader)
        if concept.broader in path[:-1]:
            raise ThesaurusError(
                f"line {concept.line}: {path[0]!r} would be broader than itself: {' → '.join(path)}"
            )
        concept = concepts[concept.broader]


def _labelled(code: str) -> dict[str, str]:
    known = codelists.categories()
    return {"code": code, **{spoken: known.label(code, spoken) for spoken in LANGUAGES}}


def _singular(phrase: str, known: Mapping[str, Meant]) -> str:
    if phrase.endswith("es") and len(phrase) > 4 and phrase[:-2] in known:
        return phrase[:-2]
    return phrase.removesuffix("s")


def _nearest(word: str, vocabulary: Collection[str]) -> str | None:
    """Return the only word within one or two typing errors. Return None if no single word qualifies or the given word
    is too short."""
    allowed = 0 if len(word) < 5 else 1 if len(word) < 8 else 2
    if not allowed or len(word) > 30:
        return None
    first = word.removeprefix("h")[:1]
    found = [
        (slips, other)
        for other in vocabulary
        if len(other) > 3
        and abs(len(other) - len(word)) <= allowed
        and other.removeprefix("h")[:1] == first
        and (slips := _slips(word, other)) <= allowed
    ]
    return min(found)[1] if found else None


def _slips(one: str, other: str) -> int:
    """Return the number of missing, added, replaced or swapped letters (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]


def read(lines: Iterable[str]) -> Thesaurus:
    """Load the thesaurus from a table `concept,broader,categories,es,en,other,danger`. Raise ThesaurusError with the
    line of the first error."""
    concepts: dict[str, Concept] = {}
    for concept in _rows(lines):
        if concept.name in concepts:
            raise ThesaurusError(
                f"line {concept.line}: {concept.name!r} stands in line"
                f" {concepts[concept.name].line} already"
            )
        unknown = [code for code in concept.categories if code not in codelists.categories()]
        if unknown:
            raise ThesaurusError(f"line {concept.line}: no category has the code {unknown[0]!r}")
        if not any(concept.phrases.values()):
            raise ThesaurusError(f"line {concept.line}: {concept.name!r} has no words")
        concepts[concept.name] = concept
    return Thesaurus(concepts)


def _rows(lines: Iterable[str]) -> Iterator[Concept]:
    table = csv.DictReader(lines)
    for row in (completed(__package__, each) for each in table):
        yield Concept(
            table.line_num,
            row["concept"],
            row["broader"],
            _cells(row["categories"]),
            {language: _cells(row[language]) for language in _LANGUAGES},
            row.get("danger") == "yes",
        )


def _cells(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(";"))))


@cache
def thesaurus() -> Thesaurus:
    table = files("directory.find.search").joinpath("data", "thesaurus.csv")
    return read(table.read_text(encoding="utf-8").splitlines())
