"""Programmes: the reviewed definitions of what may be released at all."""
