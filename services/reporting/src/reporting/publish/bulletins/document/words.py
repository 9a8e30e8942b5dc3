"""What people write into a bulletin: highlights, a word on each section, challenges, practices, next
steps, contacts. Pure.

A number typed here has no source of its own. So it is one that stands in its section (in highlights,
challenges, practices and next steps: anywhere in the bulletin), written as it stands there, with its
interval; or a date; or, among the contacts, a telephone number or an address. Anything else is refused
with the place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.words.languages import LANGUAGES

from reporting.ground.language import Text
from reporting.ground.wording import loose_numbers
from reporting.publish.bulletins.document.content import Content, Section, Words
from reporting.publish.bulletins.document.reading import all_figures as figures_of
from reporting.publish.bulletins.document.reading import all_labels, shown
from reporting.publish.bulletins.document.texts import say

MOST = 1200
"""Signs of one text in one language."""
BEFORE = ("highlights",)
AFTER = ("challenges", "practices", "next-steps", "contacts")
OF_ALL = (*BEFORE, *AFTER)
"""Texts that belong to no section with numbers: they stand in sections of their own."""


@dataclass(frozen=True, slots=True)
class Unfounded:
    """A number in people's words that is none of the bulletin's; `at` counts signs from 0."""

    section: str
    language: str
    at: int
    number: str
    reason: str


def words_of(content: Content) -> dict[str, Text]:
    """The text that people wrote, by section."""
    return {
        section.id: dict(block.text)
        for section in content.sections
        for block in section.blocks
        if isinstance(block, Words)
    }


def without_words(content: Content) -> Content:
    """The bulletin as it was composed."""
    bare = (
        section.model_copy(
            update={"blocks": tuple(b for b in section.blocks if not isinstance(b, Words))}
        )
        for section in content.sections
    )
    kept = (section for section in bare if section.blocks or section.id not in OF_ALL)
    return content.model_copy(update={"sections": tuple(kept)})


def with_words(content: Content, texts: Mapping[str, Text]) -> Content:
    """The bulletin with these words and no others; a text for a section that it lacks is left out."""
    given = {name: Words(text=dict(text)) for name, text in texts.items() if any(text.values())}
    composed = {each.id: each for each in without_words(content).sections}

    def led(name: str) -> Iterator[Section]:
        """The section with the words first; of words alone where nothing was composed."""
        words = (given[name],) if name in given else ()
        if name in composed:
            blocks = (*words, *composed[name].blocks)
            yield composed[name].model_copy(update={"blocks": blocks})
        elif words:
            yield Section(id=name, title=say(f"section.{name}"), blocks=words)

    own = (name for name in composed if name not in (*OF_ALL, "sources"))
    order = (*BEFORE, *own, *AFTER, *(name for name in composed if name == "sources"))
    sections = tuple(section for name in order for section in led(name))
    return content.model_copy(update={"sections": sections})


def places(content: Content) -> tuple[str, ...]:
    """The places for people's text."""
    own = (each.id for each in without_words(content).sections if each.id not in OF_ALL)
    return (*BEFORE, *own, *AFTER)


def unfounded(content: Content, texts: Mapping[str, Text]) -> list[Unfounded]:
    """The numbers in these words that are not the bulletin's."""
    found: list[Unfounded] = []
    for section, text in texts.items():
        for language in LANGUAGES:
            loose = loose_numbers(
                text[language],
                language,
                written=_written(content, section, language),
                contacts=section == "contacts",
            )
            found += [
                Unfounded(section, language, at, number, _reason(section)) for at, number in loose
            ]
    return found


def _reason(section: str) -> str:
    where = "the bulletin" if section in OF_ALL else "this section"
    return f"no number of {where}, as it is written there with its interval"


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
