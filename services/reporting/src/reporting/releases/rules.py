"""Which rule counts which population of persons. Pure."""

from collections.abc import Mapping
from typing import Any

from reporting.programmes.definition import Measure
from reporting.releases import counting
from reporting.releases.joint import Rule
from reporting.trafficking import counting as screenings

RULES: Mapping[Measure, Rule[Any]] = {
    Measure.REFERRED_PERSONS: Rule(counting.referred, counting.further, counting.place_of),
    Measure.SCREENED_PERSONS: Rule(screenings.screened, screenings.further, screenings.place_of),
}
