"""Slows down guessing, but only for the source that guesses."""
