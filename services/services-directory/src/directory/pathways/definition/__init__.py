"""A pathway as written: its steps and conditions, the profile that conditions test, inheritance between areas, and
validation. Pure."""
