"""Filled-in forms of other tools that did not fit, and how their fields are read."""
