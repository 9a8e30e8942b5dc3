"""Breaks each mechanism of the threat model; the test that the row names must fail."""
