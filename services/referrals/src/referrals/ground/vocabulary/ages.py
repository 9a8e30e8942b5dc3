"""Who consents: adults, and children by age band. Pure. The source of `ages.csv` is the inter-agency guidelines for
case management with children; a coordinator may replace the file."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache

from common.words.tables import rows

ADULT_AGE = 18


class Decider(StrEnum):
    PERSON = "person"
    CAREGIVER = "caregiver"
    BEST_INTEREST = "best_interest"


class Caregiver(StrEnum):
    """What is known about a child's caregiver."""

    UNKNOWN = "unknown"
    AVAILABLE = "available"
    ABSENT = "absent"
    IMPLICATED = "implicated"


class Assent(StrEnum):
    """The child's answer. `not_asked` is valid only if the age band requires no answer."""

    AGREES = "agrees"
    DISSENTS = "dissents"
    NOT_ASKED = "not_asked"


# These caregivers decide nothing for the child, and their contact is hidden.
SUPPRESSED = frozenset({Caregiver.IMPLICATED, Caregiver.ABSENT})


@dataclass(frozen=True)
class Band:
    """An age band: ages `first`–`last` in completed years. `assent`: no | sought | required."""

    first: int
    last: int
    assent: str
    person_may_decide: bool

    @property
    def code(self) -> str:
        return f"{self.first}-{self.last}"


class Verdict(StrEnum):
    """The state of a proposed decision: valid now, or waiting for a named supervisor."""

    VALID = "valid"
    NEEDS_SUPERVISOR = "needs_supervisor"


class WrongDecider(Exception):
    """This person cannot decide here. `code` is stable, and the message tells who can."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@cache
def bands() -> tuple[Band, ...]:
    return tuple(
        Band(int(r["first"]), int(r["last"]), r["assent"], r["person_may_decide"] == "yes")
        for r in rows(__package__, "ages")
    )


def completed_years(birth: date, today: date) -> int:
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def band_of(age: int) -> Band | None:
    return next((band for band in bands() if band.first <= age <= band.last), None)


def judge(
    age: int | None, decided_by: Decider, assent: Assent | None, caregiver: Caregiver
) -> Verdict:
    """Return whether this decision is valid. A person of unknown age counts as an adult only if they decide for
    themselves."""
    band = None if age is None else band_of(age)
    if decided_by is Decider.BEST_INTEREST:
        if age is not None and band is None:
            raise WrongDecider(
                "adult_decides",
                "An adult decides for themself. If that is impossible, ask for an exception.",
            )
        return Verdict.NEEDS_SUPERVISOR
    if band is None:
        return _adult(age, decided_by)
    return _child(band, decided_by, assent or Assent.NOT_ASKED, caregiver)


def _not_the_caregiver(caregiver: Caregiver) -> WrongDecider:
    return WrongDecider(
        f"caregiver_{caregiver}",
        f"The caregiver is recorded as {caregiver}: use 'best_interest', which a supervisor "
        "decides.",
    )


def _adult(age: int | None, decided_by: Decider) -> Verdict:
    if decided_by is not Decider.PERSON:
        raise WrongDecider(
            "adult_decides",
            "An adult decides for themself."
            if age is not None
            else "The age is not recorded: record it before somebody else decides.",
        )
    return Verdict.VALID


def _child(band: Band, decided_by: Decider, assent: Assent, caregiver: Caregiver) -> Verdict:
    if decided_by is Decider.PERSON:
        if not band.person_may_decide:
            raise WrongDecider(
                "child_cannot_decide_alone",
                f"At {band.code} years a caregiver decides and the child assents; without a safe "
                "caregiver use 'best_interest'.",
            )
        # A supervisor must confirm a decision by a child without a caregiver.
        return Verdict.NEEDS_SUPERVISOR
    if caregiver in SUPPRESSED:
        raise _not_the_caregiver(caregiver)
    if assent is Assent.DISSENTS:
        return Verdict.NEEDS_SUPERVISOR
    if assent is Assent.NOT_ASKED and band.assent == "required":
        raise WrongDecider(
            "assent_missing", f"At {band.code} years the child's own word is needed: child_assent."
        )
    return Verdict.VALID
