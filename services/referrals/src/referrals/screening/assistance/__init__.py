"""The registry of assistance: what is planned and given, reviews, routes, and doubles of a case."""
