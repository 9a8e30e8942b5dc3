"""How much one question may cost: so that none of them, however it is asked, holds others up.

What has to be read whole before the first entry is known (ranked words, distances, names, counts by
facet) is read to so many matches and no further; more is refused with the reason. A list along an
index costs by its last entry. Of what is bounded by how much is read, whoever reads many services at
two levels has half: each is looked at twice.
"""

MOST_SORTED = 2_000
MOST_RANKED = 1_000
MOST_SITES = 5_000
"""Sites in a box, around a point or at a postcode, whatever else narrows the question."""
MOST_READ = 10_000
"""Documents that are looked through one by one; half of it where a site is looked up for each."""
DEEPEST = 5_000
