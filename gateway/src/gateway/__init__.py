"""The front door (authenticate, limit, route) and the small token issuer."""
