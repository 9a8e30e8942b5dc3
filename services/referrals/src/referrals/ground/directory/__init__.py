"""The copy of the directory, from its events only."""
