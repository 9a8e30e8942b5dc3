"""What people write into a bulletin: highlights, a word on each section, challenges, practices, next
steps, contacts. Pure.

A number typed here has no source of its own. So it is one that stands in its section (in highlights,
challenges, practices and next steps: anywhere in the bulletin), written as it stands there, with its
interval; or a date; or, among the contacts, a telephone number or an address. Anything else is refused
with the place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.languages import LANGUAGES

from reporting.bulletins.document.content import Content, Section, Words
from reporting.bulletins.document.reading import all_figures as figures_of
from reporting.bulletins.document.reading import all_labels, shown
from reporting.bulletins.document.texts import say
from reporting.language import Text
from reporting.wording import loose_numbers

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
    """What people wrote, by section."""
    return {
        section.id: dict(block.text)
        for section in content.sections
        for block in section.blocks
        if isinstance(block, Words)
    }


def without_words(content: Content) -> Content:
    """The bulletin as it was composed."""
    kept = (
        section.model_copy(
            update={"blocks": tuple(b for b in section.blocks if not isinstance(b, Words))}
        )
        for section in content.sections
        if section.id not in OF_ALL
    )
    return content.model_copy(update={"sections": tuple(kept)})


def with_words(content: Content, texts: Mapping[str, Text]) -> Content:
    """The bulletin with these words and no others; a text for a section that it lacks is left out."""
    given = {name: Words(text=dict(text)) for name, text in texts.items() if any(text.values())}

    def alone(name: str) -> Iterator[Section]:
        if name in given:
            yield Section(id=name, title=say(f"section.{name}"), blocks=(given[name],))

    def led(section: Section) -> Section:
        if section.id not in given:
            return section
        return section.model_copy(update={"blocks": (given[section.id], *section.blocks)})

    composed = without_words(content).sections
    sources = [each for each in composed if each.id == "sources"]
    sections = (
        *(section for name in BEFORE for section in alone(name)),
        *(led(section) for section in composed if section.id != "sources"),
        *(section for name in AFTER for section in alone(name)),
        *(led(section) for section in sources),
    )
    return content.model_copy(update={"sections": sections})


def places(content: Content) -> tuple[str, ...]:
    """Where words may stand."""
    own = (each.id for each in without_words(content).sections)
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
