"""Machine clients: identity, rights, secrets."""
