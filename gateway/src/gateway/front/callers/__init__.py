"""Callers: their tokens, the keys that verify them, and the revocation list."""
