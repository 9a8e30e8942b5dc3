"""Keeping a copy: one consistent snapshot, then only what changed."""
