"""How much one question may cost: so that none of them, however it is asked, holds others up.

What has to be read whole before the first entry is known (ranked words, distances, names, counts by
facet) is read to so many matches and no further; more is refused with the reason. A list along an
index costs by its last entry.
"""

MOST_SORTED = 2_000
MOST_RANKED = 1_000
MOST_SITES = 5_000
"""Sites in a box or around a point, whatever else narrows the question."""
DEEPEST = 10_000
