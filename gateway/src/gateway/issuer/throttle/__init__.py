"""Slows down guessing, for the guessing source only."""
