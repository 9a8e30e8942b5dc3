"""The list of ended rights that the front reads."""
