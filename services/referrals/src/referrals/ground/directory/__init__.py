"""The copy of the directory, built only from its events."""
