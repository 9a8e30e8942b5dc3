"""Callers: tokens, the keys that verify them, and the list of revocations."""
