"""Interprets a short text: a place, a need by number or word, warnings, or the helpline. Pure. Examples: "ZULIA 9",
"comida en mcbo", "VE2313 salud", "risk Zulia". The words for needs come from the search (find/search/thesaurus.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from common.words.languages import PageLanguage
from common.words.places import Place, Places, folded, spelled_out
from common.words.tables import by_language, rows

from directory.find.search.thesaurus import thesaurus
from directory.show.information.needs import needs

_STATE, _MUNICIPALITY = 1, 2
_LONGEST_NAME = 6


@dataclass(frozen=True)
class ShortQuestion:
    """An interpreted text. `words` contains everything except the place. `meant` means that the thesaurus knows some of
    the words. `danger` means that they mention danger."""

    language: PageLanguage
    area: str | None = None
    need: str | None = None
    words: str = ""
    meant: bool = False
    danger: bool = False
    risks: bool = False
    line: bool = False


def understood(text: str, country: str) -> ShortQuestion:
    """Interpret a text. `country` is the country of the places, ISO 3166-1 alpha-3."""
    area, rest = _place(spelled_out(folded(text)).split(), country)
    said, words = frozenset(rest), " ".join(rest)
    meant = thesaurus().understood(words) or thesaurus().understood(
        thesaurus().corrected(words) or ""
    )
    return ShortQuestion(
        language=_language(said),
        area=area,
        need=_numbered(rest),
        words=words,
        meant=bool(meant),
        danger=any(each.danger for each in meant),
        risks=any(said & each for each in _message_words()["risks"].values()),
        line=any(said & each for each in _message_words()["line"].values()),
    )


def _numbered(words: list[str]) -> str | None:
    """Return a need by its number in the list in our text messages, if the text contains only the number."""
    if len(words) != 1 or not (words[0].isascii() and words[0].isdigit()):
        return None
    return dict(enumerate(needs(), 1)).get(int(words[0][:3]))


def _language(said: frozenset[str]) -> PageLanguage:
    """Return English if more of the words are English than Spanish, or else Spanish."""
    spanish, english = (said & (_words(each) | _of_messages(each)) for each in ("es", "en"))
    return "en" if len(english - spanish) > len(spanish - english) else "es"


def _of_messages(language: PageLanguage) -> frozenset[str]:
    return frozenset[str]().union(*(each[language] for each in _message_words().values()))


@cache
def _message_words() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return the words in text messages that are not needs, by meaning and language."""
    return {
        row["meaning"]: {
            code: frozenset(filter(None, text.split(";")))
            for code, text in by_language(row, "words").items()
        }
        for row in rows(__package__, "message_words")
    }


@cache
def _words(language: PageLanguage) -> frozenset[str]:
    return thesaurus().spoken(language)


def _place(words: list[str], country: str) -> tuple[str | None, list[str]]:
    """Return the place, and the words that are not part of its name. Many municipalities share a name, which counts
    only next to the name of its state."""
    found: list[tuple[Place, ...]] = []
    rest: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
            named = _named(country).get(" ".join(words[at : at + length]))
            if named:
                found.append(named)
                at += length
                break
        else:
            rest.append(words[at])
            at += 1
    states = {p.pcode for each in found for p in each if p.level == _STATE}
    exact = [p for each in found for p in each if p.level >= _MUNICIPALITY]
    inside = [p for p in exact if p.parent in states or p.level > _MUNICIPALITY]
    alone = [each[0] for each in found if len(each) == 1 and each[0].level >= _MUNICIPALITY]
    if len(states) == 1:
        # "Sucre" is a state and several municipalities: choose the state, unless another name in the text points to a
        # municipality.
        narrower = {p.pcode for p in inside if len(found) > 1}
        return (narrower.pop() if len(narrower) == 1 else states.pop()), rest
    return (alone[0].pcode if len(alone) == 1 and not states else None), rest


@cache
def _named(country: str) -> Mapping[str, tuple[Place, ...]]:
    """Return states and municipalities by name, and all places by P-code."""
    found: dict[str, tuple[Place, ...]] = {}
    for place in Places.load():
        if place.country != country or place.level == 0:
            continue
        found[place.pcode.casefold()] = (place,)
        if place.level <= _MUNICIPALITY:
            for name in (place.name, *place.alternative_names):
                found[folded(name)] = (*found.get(folded(name), ()), place)
    # A word for a need never counts as a place name, so that people can ask for the need.
    return {name: places for name, places in found.items() if not thesaurus().knows(name)}
