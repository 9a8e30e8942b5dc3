"""Limits the cost of one query, so that no query delays others.

Some queries must read all matches first (ranked words, distances, names, counts by facet). They read up to a limit; a
query with more matches is refused with the reason. The cost of a list that follows an index depends on the position of
its last entry. A caller who reads many services at two levels has half the limit, because each service is read twice.
"""

MOST_SORTED = 2_000
MOST_RANKED = 1_000
MOST_SITES = 5_000
"""Sites in a box, around a point or at a postcode, before any other filter."""
MOST_READ = 10_000
"""Documents that are read one by one; half as many if each needs a look at its sites."""
DEEPEST = 5_000
