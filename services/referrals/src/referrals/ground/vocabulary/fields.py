"""Fields shared by the request bodies of several capabilities."""

from datetime import date
from typing import Annotated

from common import clock
from common.words.choices import words
from common.words.codelists import categories, pathways, populations
from common.words.details import WrongValue
from common.words.enums import enum_of
from common.words.places import Places
from common.words.referral_states import ReferralState
from pydantic import AfterValidator, Field

from referrals.ground.vocabulary.disclosure import Item

Account = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00-\x1f]+$")]
"""The account of a person or client in every record; never their real name."""
Name = Annotated[str, Field(min_length=1, max_length=200)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
Language = Annotated[str, Field(pattern=r"^[a-z]{3}$", description="ISO 639-3.")]


def _known_place(pcode: str) -> str:
    if not Places.load().is_known(pcode):
        raise WrongValue("not_known_p_code")
    return pcode


def _known_population(code: str) -> str:
    if code not in populations():
        raise ValueError("not a known population code")
    return code


KnownPlace = Annotated[str, AfterValidator(_known_place)]
PlaceCode = Annotated[KnownPlace, Field(max_length=20)]
Population = Annotated[str, Field(max_length=20), AfterValidator(_known_population)]


def _known_category(code: str) -> str:
    if code not in categories():
        raise ValueError("not a known service category")
    return code


def _known_aor(code: str) -> str:
    if code not in pathways():
        raise ValueError("not a known area of responsibility")
    return code


# Codes in answers.
AorCode = Annotated[str, enum_of(pathways())]
CategoryCode = Annotated[str, enum_of(categories())]
StateCode = Annotated[str, enum_of(ReferralState)]
UrgencyCode = Annotated[str, enum_of(words("urgencies"))]

Aor = Annotated[
    str,
    enum_of(pathways(), max_length=10),
    AfterValidator(_known_aor),
]
Category = Annotated[str, Field(max_length=40), AfterValidator(_known_category)]
Items = Annotated[list[Item], Field(max_length=len(Item))]


def _born(birth_date: date | None) -> date | None:
    if birth_date is not None and birth_date > clock.today():
        raise ValueError("is in the future: look at day, month and year again, or give the age")
    return birth_date


BirthDate = Annotated[date | None, AfterValidator(_born)]
