"""The registry of assistance: planned and given help, reviews, routes, and doubles of a case."""
