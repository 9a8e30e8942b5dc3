"""The token endpoint: grants, lock-out, revocation of single tokens."""
