"""Decides by its words whether a service may be a safe house. Pure.

The words are rows of `data/house_words.csv`: a language, the words (a `*` ends a stem) and their signal:

- `sure`: explicit words for a safe house ("casa de abrigo", "undisclosed location")
- `house`: a place to sleep · `home`: a house, which may be an office · both may be in an indigenous language
- `danger`: what people flee from · `group`: people who use such houses
- `elsewhere`: another organisation's house ("referral to …"); the words after it do not count
- `harmless`: words that only look like a signal ("casa de la cultura", "animal shelter")
- `day`: activities of an office
- `street`: the name of a place (`hsds.masking`)

A passage is one title (names, terms of a taxonomy, labels of links) or one sentence. A service may be a safe house if

1. a passage is `sure`, or a category never publishes its places, or
2. a title has `house` or `home`, and `danger` or `group`; or in one sentence `house` is near one of these, or `danger`
shortly follows `home`; or the organisation's name has `house` or `home`, and a title `danger`, or
3. a title has `house`, or a category is accommodation, and another title, the population or the organisation has
`danger` or `group`, or the categories are of GBV or trafficking, or the description has `danger`, or
4. the description has `house`, and a title, the population or the organisation has `danger`, or
5. a title has `home`, the description `danger`, and no passage has `day`.

Only rules 1 and 2 apply to the organisation's name and description.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from common.sight import LEVELS, PATHWAY
from common.words import codelists
from common.words.places import folded
from common.words.tables import rows

Document = Mapping[str, Any]

_NEAR = 10
"""The largest number of words between a house and a danger in one sentence."""
_AWAY = 6
"""The number of words after "referral to" that describe another organisation's house."""
_AORS = frozenset({"GBV", "TIP"})
_IN_DANGER = frozenset({"SUR", "VOT", "WAR", "LGB", "CAR", "CAAFAG"})
_WOMEN = frozenset({"WOM", "GIR", "PRG"})
_TITLES = frozenset({"name", "alternate_name", "label", "title"})
_NOT_READ = frozenset({
    "id", "addresses", "url", "uri", "email", "website", "logo", "categories", "attributes", "pathway",
    "visibility", "organization", "schedules", "service_areas", "eligibility", "verification", "languages",
})  # fmt: skip
_STREET = "street"
_HOUSES = ("sure", "house", "home")
_SENTENCES = re.compile(r"[.;:!?\n•]+")


class _Found(NamedTuple):
    signal: str
    words: str
    at: int
    """The position of its first word in the passage."""


class Texts(NamedTuple):
    """The texts of a service. `about` contains the titles and the prose of its organisation."""

    titles: Iterable[str] = ()
    prose: Iterable[str] = ()
    categories: Iterable[str] = ()
    populations: Iterable[str] = ()
    about: tuple[Iterable[str], Iterable[str]] = ((), ())


def house_words(
    service: Document, organization: Document | None, heard: Iterable[str] = ()
) -> frozenset[str]:
    """Return the words that suggest a safe house; empty if there are none. `heard` contains texts that come with the
    service."""
    titles, prose = _texts_of(service)
    terms = [each.get("taxonomy_term") or {} for each in service.get("attributes", [])]
    titles += [str(term.get(key) or "") for term in terms for key in ("name", "code")]
    eligibility = service.get("eligibility") or {}
    populations = list(eligibility.get("populations", ()))
    if eligibility.get("sex") == ["female"]:
        populations.append("WOM")
    return suspicious(
        Texts(
            titles,
            [*prose, *heard],
            [*service.get("categories", ()), *(str(term.get("code") or "") for term in terms)],
            populations,
            _texts_of(organization or {}),
        )
    )


def suspicious(said: Texts) -> frozenset[str]:
    """Apply the rules above to texts."""
    titles, prose = _titles(said.titles), _sentences(said.prose)
    about_titles, about = _titles(said.about[0]), _sentences(said.about[1])
    known = codelists.categories()
    categories = [code for code in said.categories if code in known]
    words = {code for code in categories if LEVELS[known[code].minimum_visibility] > PATHWAY}
    for passage in [*titles, *prose, *about_titles, *about]:
        words |= _words(passage, "sure")
    for passage in [*titles, *about_titles]:
        if beside := _words(passage, "danger", "group"):
            words |= _with(_words(passage, "house", "home"), beside)
    for passage in [*prose, *about]:
        words |= _near(passage, ("house",), ("danger", "group"))
        words |= _near(passage, ("home",), ("danger",), after=True)
    hosts = set().union(*(_words(each, "house", "home") for each in about_titles))
    words |= _with(hosts, set().union(*(_words(each, "danger") for each in titles)))
    around = [*about_titles, *about]
    return frozenset(words | _together(said, categories, titles, prose, around))


def _titles(texts: Iterable[str]) -> list[tuple[_Found, ...]]:
    return [_found(each) for each in texts if each]


def _sentences(texts: Iterable[str]) -> list[tuple[_Found, ...]]:
    return [_found(part) for each in texts for part in _SENTENCES.split(each) if part.strip()]


def _together(
    said: Texts,
    categories: Iterable[str],
    titles: list[tuple[_Found, ...]],
    prose: list[tuple[_Found, ...]],
    about: list[tuple[_Found, ...]],
) -> set[str]:
    """Return the words found by rules 3 to 5, which combine several passages."""
    known = codelists.categories()
    populations = set(said.populations)
    named = set().union(
        *(_words(each, "house") for each in titles),
        (code for code in categories if known[code].accommodation),
    )
    dangers = set().union(*(_words(each, "danger") for each in prose))
    context = dangers | (_IN_DANGER & populations)
    context |= {code for code in categories if known[code].pathway in _AORS}
    context |= set().union(*(_words(each, "danger", "group") for each in [*titles, *about]))
    if populations and populations <= _WOMEN:
        context |= populations
    words = _with(named, context)
    hosts = set().union(*(_words(each, "house") for each in prose))
    words |= _with(
        hosts,
        (_IN_DANGER & populations).union(*(_words(each, "danger") for each in [*titles, *about])),
    )
    if not any(_words(each, "day") for each in [*titles, *prose]):
        homes = set().union(*(_words(each, "home") for each in titles))
        words |= _with(homes, dangers | (populations & _IN_DANGER if homes else set()))
    return words


def _with(one: Iterable[str], other: Iterable[str]) -> set[str]:
    """Return the union of both sets, or nothing if either is empty."""
    first, second = set(one), set(other)
    return first | second if first and second else set()


def _near(
    passage: tuple[_Found, ...],
    one: tuple[str, ...],
    other: tuple[str, ...],
    *,
    after: bool = False,
) -> set[str]:
    """Return words of two kinds that are near each other. With `after`, the second kind must follow the first."""
    return {
        word
        for first in passage
        for second in passage
        if first.signal in one and second.signal in other
        if (0 if after else -_NEAR) <= second.at - first.at <= _NEAR
        for word in (first.words, second.words)
    }


def _words(passage: tuple[_Found, ...], *signals: str) -> set[str]:
    return {each.words for each in passage if each.signal in signals}


# Cached because importing and storing both check a service, and many services share an organisation.
@lru_cache(maxsize=5_000)
def _found(text: str) -> tuple[_Found, ...]:
    """Return the signals of one passage in order, without other organisations' houses."""
    spoken = folded(text).split()
    found: list[_Found] = []
    at, away = 0, -_AWAY - 1
    while at < len(spoken):
        row = _row_at(spoken, at)
        if row is None:
            at += 1
            continue
        if row.signal == "elsewhere":
            away = at
        elif row.signal in _HOUSES and at - away <= _AWAY:
            away = at  # as in "referral to shelters and safe houses"
        else:
            found.append(_Found(row.signal, " ".join(spoken[at : at + len(row.words)]), at))
        at += len(row.words)
    return tuple(found)


def _row_at(spoken: list[str], at: int) -> "_Row | None":
    """Return the longest matching row at that word, so that "animal shelter" does not count as "shelter"."""
    first = spoken[at]
    starts, stems = _rows()
    for row in starts.get(first, ()):
        *whole, last = row.words
        said = spoken[at : at + len(row.words)]
        if len(said) < len(row.words) or said[:-1] != whole:
            continue
        if said[-1] == last or (row.stem and said[-1].startswith(last)):
            return row
    stem = _stem().match(first)
    return stems[stem[0]] if stem else None


def _texts_of(document: Document) -> tuple[list[str], list[str]]:
    """Return titles and prose, at any depth. A place's own texts count as prose, because streets are named after
    houses."""
    titles: list[str] = []
    prose: list[str] = []
    for key, value, deep in _strings(document, 0):
        (titles if key in _TITLES and not deep else prose).append(value)
    return titles, prose


_DEEP = frozenset({"service_at_locations", "locations", "contacts", "phones"})


def _strings(item: Any, deep: int) -> Iterator[tuple[str, str, int]]:
    for key, value in item.items():
        if key in _NOT_READ:
            continue
        inside = deep + (key in _DEEP)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                yield key, each, inside
            elif isinstance(each, dict):
                yield from _strings(each, inside)


class _Row(NamedTuple):
    words: tuple[str, ...]
    stem: bool
    signal: str


@cache
def street_words() -> frozenset[str]:
    found = rows(__package__, "data/house_words")
    return frozenset(row["words"] for row in found if row["signals"] == _STREET)


@cache
def _rows() -> tuple[Mapping[str, list[_Row]], Mapping[str, _Row]]:
    """Return the rows by first word, longest first, and the single-word stems."""
    starts: dict[str, list[_Row]] = {}
    stems: dict[str, _Row] = {}
    for each in rows(__package__, "data/house_words"):
        if each["signals"] == _STREET:
            continue
        words = tuple(each["words"].removesuffix("*").split())
        row = _Row(words, each["words"].endswith("*"), each["signals"])
        if row.stem and len(words) == 1:
            stems[words[0]] = row
        starts.setdefault(words[0], []).append(row)
    for those in starts.values():
        those.sort(key=lambda row: -len(row.words))
    return starts, stems


@cache
def _stem() -> re.Pattern[str]:
    """Return the pattern for the longest stem at the beginning of a word."""
    stems = sorted(_rows()[1], key=len, reverse=True)
    return re.compile("|".join(map(re.escape, stems)))
