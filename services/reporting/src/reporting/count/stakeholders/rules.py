"""Rules for an entry of the stakeholder table. Pure.

The table's readers may not see everything in the directory. The directory's data is therefore linked and never copied.
Presence is given only by first-level area, and texts contain no numbers: no house number, no count of people, no
telephone number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from common.words.details import Detail
from common.words.languages import LANGUAGES
from common.words.places import Places

from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.unsourced_numbers import CONTACT, loose_numbers

FINEST = 1
"""The most precise level of presence: in a municipality with one shelter, a finer one would be its address."""
_OF_THE_DIRECTORY = ("name", "presence", "contact")


@dataclass(frozen=True, slots=True)
class Flaw:
    """An error, in each language. `field` may have several parts: `mandate/es`."""

    field: str
    said: Detail


def flaws(body: StakeholderBody, places: Places) -> list[Flaw]:
    return [*_linked(body), *_present(body, places), *_worded(body)]


def _linked(body: StakeholderBody) -> Iterator[Flaw]:
    if body.organisation_id is None:
        for field in ("name", "presence"):
            if not getattr(body, field):
                yield Flaw(field, Detail("it_is_needed_or_id_of_organisation"))
        return
    for field in _OF_THE_DIRECTORY:
        if getattr(body, field) is not None:
            yield Flaw(field, Detail("directory_says_it_leave_empty"))
    if body.in_bulletin:
        yield Flaw("in_bulletin", Detail("anybody_reads_bulletin"))


def _present(body: StakeholderBody, places: Places) -> Iterator[Flaw]:
    for place in body.presence or ():
        found = places.get(place)
        if found is None:
            yield Flaw("presence", Detail.of("p_code_is_not_known", place))
        elif found.level > FINEST:
            state = places.at_most(place, FINEST)
            yield Flaw("presence", Detail.of("is_too_precise_write", place, state))


def _worded(body: StakeholderBody) -> Iterator[Flaw]:
    texts = {"name": body.name, "mandate": body.mandate, "does": body.does}
    for field, told in texts.items():
        for language in LANGUAGES if told else ():
            written = getattr(told, language)
            addresses = (match.group() for match in CONTACT.finditer(written))
            loose = next(addresses, None) or next(
                (number for _, number in loose_numbers(written, language)), None
            )
            if loose:
                said = Detail.of("numbers_and_addresses_do_not_belong_here", loose)
                yield Flaw(f"{field}/{language}", said)
