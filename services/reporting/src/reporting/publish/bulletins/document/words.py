"""Texts that people write in a bulletin: highlights, a text for each section, challenges, practices, next steps,
helplines, contacts. Pure.

A typed number has no source of its own. It must therefore be a number of its section (in highlights, challenges,
practices and next steps: of the bulletin), written as printed there, with its interval. Dates are allowed; helplines
and contacts may also contain telephone numbers and addresses. Any other number is refused with its position.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.words.languages import LANGUAGES

from reporting.ground.language import Text, of_details
from reporting.ground.unsourced_numbers import loose_numbers
from reporting.publish.bulletins.document.content import Content, Section, Words
from reporting.publish.bulletins.document.runs import all_figures as figures_of
from reporting.publish.bulletins.document.runs import all_labels, shown
from reporting.publish.bulletins.document.texts import say

MOST = 1200
"""The most characters of one text in one language."""
BEFORE = ("highlights",)
AFTER = ("challenges", "practices", "next-steps", "helplines", "contacts")
WITH_NUMBERS = ("helplines", "contacts")
"""Texts with telephone numbers and addresses; a new bulletin takes them from the last one."""
LAST = ("glossary", "sources")
OF_ALL = (*BEFORE, *AFTER)
"""General texts, without numbers of their own; each has its own section."""


@dataclass(frozen=True, slots=True)
class Unfounded:
    """A number in a written text that does not belong to the bulletin; `at` counts characters from 0."""

    section: str
    language: str
    at: int
    number: str
    reason: Text


def words_of(content: Content) -> dict[str, Text]:
    """Return the texts that people wrote, by section."""
    return {
        section.id: dict(block.text)
        for section in content.sections
        for block in section.blocks
        if isinstance(block, Words)
    }


def without_words(content: Content) -> Content:
    """Return the bulletin as composed, without the texts that people wrote."""
    bare = (
        section.model_copy(
            update={"blocks": tuple(b for b in section.blocks if not isinstance(b, Words))}
        )
        for section in content.sections
    )
    kept = (section for section in bare if section.blocks or section.id not in OF_ALL)
    return content.model_copy(update={"sections": tuple(kept)})


def with_words(content: Content, texts: Mapping[str, Text]) -> Content:
    """Return the bulletin with exactly these texts; drop texts for missing sections."""
    given = {name: Words(text=dict(text)) for name, text in texts.items() if any(text.values())}
    composed = {each.id: each for each in without_words(content).sections}

    def led(name: str) -> Iterator[Section]:
        """Yield the section with the text first, or only the text if nothing was composed."""
        words = (given[name],) if name in given else ()
        if name in composed:
            blocks = (*words, *composed[name].blocks)
            yield composed[name].model_copy(update={"blocks": blocks})
        elif words:
            yield Section(id=name, title=say(f"section.{name}"), blocks=words)

    own = (name for name in composed if name not in (*OF_ALL, *LAST))
    order = (*BEFORE, *own, *AFTER, *(name for name in LAST if name in composed))
    sections = tuple(section for name in order for section in led(name))
    return content.model_copy(update={"sections": sections})


def places(content: Content) -> tuple[str, ...]:
    """Return the sections in which people can write texts."""
    own = (each.id for each in without_words(content).sections if each.id not in OF_ALL)
    return (*BEFORE, *own, *AFTER)


def unfounded(content: Content, texts: Mapping[str, Text]) -> list[Unfounded]:
    """Return the numbers in these texts that do not belong to the bulletin."""
    found: list[Unfounded] = []
    for section, text in texts.items():
        for language in LANGUAGES:
            loose = loose_numbers(
                text[language],
                language,
                written=_written(content, section, language),
                contacts=section in WITH_NUMBERS,
            )
            found += [
                Unfounded(section, language, at, number, _reason(section)) for at, number in loose
            ]
    return found


def _reason(section: str) -> Text:
    if section in OF_ALL:
        return of_details("bulletin_does_not_write_this_number_so")
    return of_details("section_does_not_write_this_number_so")


def _written(content: Content, section: str, language: str) -> set[str]:
    base = without_words(content)
    figures = {
        shown(placed.figure, language)
        for placed in figures_of(base, language)
        if section in OF_ALL or placed.section == section
    }
    inside = [each for each in base.sections if section in OF_ALL or each.id == section]
    labels = {
        label.text[language]
        for label in all_labels(base.model_copy(update={"sections": tuple(inside)}))
    }
    return figures | labels
