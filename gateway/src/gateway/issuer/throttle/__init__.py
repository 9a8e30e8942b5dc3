"""Guessing is slowed down: for the source that guesses, and for nobody else."""
