"""What statistics may know of a screened person: codes, and only where the person agreed. Pure."""

from common.events.codes import ReportingAttributes
from common.words.places import Places

from referrals.case.cases.person import age_band
from referrals.screening.screenings.answers import Answers, meaning, says_yes
from referrals.screening.screenings.instrument import Instrument, Role

_AREA_LEVEL = 2


def attributes_of(instrument: Instrument, answers: Answers) -> ReportingAttributes | None:
    """None unless the person agreed to be counted."""
    if not says_yes(instrument, answers, Role.CONSENT_STATISTICS):
        return None
    age = meaning(instrument, answers, Role.AGE)
    transit = _place(meaning(instrument, answers, Role.TRANSIT))
    return ReportingAttributes(
        sex=meaning(instrument, answers, Role.SEX) or "unknown",
        age_band=age_band(int(age) if age is not None and age.isdigit() else None),
        origin=_place(meaning(instrument, answers, Role.ORIGIN)),
        transit=(transit,) if transit else (),
        destination=_place(meaning(instrument, answers, Role.DESTINATION)),
    )


def _place(text: str | None) -> str | None:
    """A P-code, never more exact than a municipality; anything else is not told."""
    places = Places.load()
    if text is None or not places.is_known(text):
        return None
    return places.at_most(text, _AREA_LEVEL)
