"""Proofs that can fail: each safety mechanism is removed in a copy, and a named test must notice."""
