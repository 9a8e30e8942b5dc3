"""The copy of the directory, built from its events only."""
