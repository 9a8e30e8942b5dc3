"""The list of revoked rights, which the front reads."""
