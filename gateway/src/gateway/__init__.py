"""The gateway (authenticates, limits and routes requests) and the small token issuer."""
