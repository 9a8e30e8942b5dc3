"""Which rule counts which population of persons. Pure."""

from collections.abc import Mapping
from typing import Any

from reporting.count.trafficking import counting as screenings
from reporting.ground.programmes.definition import Measure
from reporting.protect.releases import counting
from reporting.protect.releases.joint import Rule

RULES: Mapping[Measure, Rule[Any]] = {
    Measure.REFERRED_PERSONS: Rule(counting.referred, counting.further, counting.place_of),
    Measure.SCREENED_PERSONS: Rule(screenings.screened, screenings.further, screenings.place_of),
}
