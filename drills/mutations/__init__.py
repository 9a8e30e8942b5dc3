"""Breaks each mechanism of the threat model, and expects the row's test to fail."""
