"""The token endpoint: grants, and revocation of single tokens."""
