"""The registry of assistance: planned and given help, reviews, routes, and duplicates of a case."""
