"""Slows down guessing, but only for the guessing source."""
