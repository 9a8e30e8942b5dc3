"""The assistance registry: planned and given help, reviews, routes, and duplicates of a case."""
