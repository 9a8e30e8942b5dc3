"""What an entry of the stakeholder table may say. Pure.

The table goes to people who may not see everything in the directory. So what the directory holds is
linked and never said a second time, presence ends at the first level, and a text holds no number: no
house number, no count of people, no telephone of somebody.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from common.words.languages import LANGUAGES
from common.words.places import Places

from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.language import Text, text
from reporting.ground.wording import CONTACT, loose_numbers

FINEST = 1
"""Level of presence: a municipality with one shelter would be its address."""
_OF_THE_DIRECTORY = ("name", "presence", "contact")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, in each language. `field` may have parts: `mandate/es`."""

    field: str
    message: Text


def flaws(body: StakeholderBody, places: Places) -> list[Flaw]:
    return [*_linked(body), *_present(body, places), *_worded(body)]


def _linked(body: StakeholderBody) -> Iterator[Flaw]:
    if body.organisation_id is None:
        for field in ("name", "presence"):
            if not getattr(body, field):
                yield Flaw(
                    field,
                    text(
                        "Hace falta, o el id de la organización en el directorio.",
                        "It is needed, or the id of the organisation in the directory.",
                    ),
                )
        return
    for field in _OF_THE_DIRECTORY:
        if getattr(body, field) is not None:
            yield Flaw(
                field,
                text(
                    "Lo dice el directorio, a quien puede verlo: deje esto vacío.",
                    "The directory says it, to those who may see it: leave this empty.",
                ),
            )
    if body.in_bulletin:
        yield Flaw(
            "in_bulletin",
            text(
                "Un boletín lo lee cualquiera; si el público ve a la organización lo decide el directorio.",
                "Anybody reads a bulletin; whether the public sees the organisation is the directory's word.",
            ),
        )


def _present(body: StakeholderBody, places: Places) -> Iterator[Flaw]:
    for place in body.presence or ():
        found = places.get(place)
        if found is None:
            yield Flaw(
                "presence",
                text(f"No se conoce el código {place}.", f"The P-code {place} is not known."),
            )
        elif found.level > FINEST:
            state = places.at_most(place, FINEST)
            yield Flaw(
                "presence",
                text(
                    f"{place} es demasiado preciso: escriba {state}.",
                    f"{place} is too precise: write {state}.",
                ),
            )


def _worded(body: StakeholderBody) -> Iterator[Flaw]:
    texts = {"name": body.name, "mandate": body.mandate, "does": body.does}
    for field, told in texts.items():
        for language in LANGUAGES if told else ():
            said = getattr(told, language)
            addresses = (match.group() for match in CONTACT.finditer(said))
            loose = next(addresses, None) or next(
                (number for _, number in loose_numbers(said, language)), None
            )
            if loose:
                yield Flaw(
                    f"{field}/{language}",
                    text(
                        f"«{loose}» no va aquí: ni números, salvo fechas con el mes en letras, ni direcciones.",
                        f"“{loose}” does not belong here: no numbers but dates with the month in words, no addresses.",
                    ),
                )
