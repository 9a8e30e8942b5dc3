"""The question of a text message: a place, a need by number or word, warnings, or the line. Pure.

"ZULIA 9", "comida en Zulia", "VE2313 salud", "risk Zulia". Words that it does not understand are asked for again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

from common.words.languages import PageLanguage
from common.words.places import Place, Places, folded
from common.words.tables import completed

from directory.show.information.needs import needs

_RISKS: Mapping[PageLanguage, frozenset[str]] = completed(
    "directory",
    {
        "es": frozenset({"riesgo", "riesgos", "aviso", "avisos", "peligro"}),
        "en": frozenset({"risk", "risks", "warning", "warnings", "danger"}),
    },
)
_LINE: Mapping[PageLanguage, frozenset[str]] = completed(
    "directory",
    {
        "es": frozenset({"linea", "reporte", "reportar", "denunciar", "anonimo", "anonima"}),
        "en": frozenset({"line", "report", "anonymous"}),
    },
)
_GREETINGS = frozenset({"help", "hi", "hello", "in", "near", "need", "the", "i", "english"})
_STATE, _MUNICIPALITY = 1, 2
_LONGEST_NAME = 6


@dataclass(frozen=True)
class ShortQuestion:
    language: PageLanguage
    area: str | None = None
    need: str | None = None
    risks: bool = False
    line: bool = False


def understood(text: str, country: str) -> ShortQuestion:
    """`country`: whose places are meant, ISO 3166-1 alpha-3."""
    words = folded(text).split()
    area, rest = _place(words, country)
    said = frozenset(rest)
    return ShortQuestion(
        language=_language(said),
        area=area,
        need=_need(rest),
        risks=any(said & each for each in _RISKS.values()),
        line=any(said & each for each in _LINE.values()),
    )


def _need(words: Iterable[str]) -> str | None:
    numbered = list(needs())
    for word in words:
        if word.isascii() and word.isdigit() and 1 <= int(word[:3]) <= len(numbered):
            return numbered[int(word[:3]) - 1]
        if word in _by_word():
            return _by_word()[word]
    return None


def _language(said: frozenset[str]) -> PageLanguage:
    """Spanish, unless more of the words are English."""
    spanish = said & (_words("es") | _RISKS["es"] | _LINE["es"])
    english = said & (_words("en") | _RISKS["en"] | _LINE["en"] | _GREETINGS)
    return "en" if len(english - spanish) > len(spanish - english) else "es"


def _place(words: list[str], country: str) -> tuple[str | None, list[str]]:
    """The place, and the words that are not its name. Many municipalities share a name: one counts
    alone only where no other has it, else beside its state."""
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
        # "Sucre" is a state, and a municipality of many: the state, unless another name says more.
        narrower = {p.pcode for p in inside if len(found) > 1}
        return (narrower.pop() if len(narrower) == 1 else states.pop()), rest
    return (alone[0].pcode if len(alone) == 1 and not states else None), rest


@cache
def _named(country: str) -> Mapping[str, tuple[Place, ...]]:
    """States and municipalities by name, all places by P-code."""
    found: dict[str, tuple[Place, ...]] = {}
    for place in Places.load():
        if place.country != country or place.level == 0:
            continue
        found[place.pcode.casefold()] = (place,)
        if place.level <= _MUNICIPALITY:
            for name in (place.name, *place.alternative_names):
                found[folded(name)] = (*found.get(folded(name), ()), place)
    # A need is a need: no place is called so that nobody could ask for it.
    return {name: places for name, places in found.items() if name not in _by_word()}


@cache
def _by_word() -> Mapping[str, str]:
    return {
        folded(word): need.code
        for need in needs().values()
        for word in chain.from_iterable(need.words.values())
    }


@cache
def _words(language: PageLanguage) -> frozenset[str]:
    return frozenset(folded(word) for need in needs().values() for word in need.words[language])
