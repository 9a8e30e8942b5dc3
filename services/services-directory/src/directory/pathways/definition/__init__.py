"""A pathway as written: steps and conditions, the profile that conditions test, inheritance between areas, and
validation. Pure."""
