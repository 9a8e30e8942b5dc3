"""Programmes: the reviewed definitions of everything that may be released."""
