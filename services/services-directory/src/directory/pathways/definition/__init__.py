"""A pathway as written: its steps and conditions, the profile that they test, inheritance between areas, and
validation. Pure."""
