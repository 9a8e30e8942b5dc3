"""The token endpoint: grants, and the end of single tokens."""
