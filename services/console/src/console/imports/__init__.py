"""Bringing services in from a file: first tried, then done, each row with what became of it."""
