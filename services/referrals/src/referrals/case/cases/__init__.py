"""People, as case codes: identity encrypted under a key of their own."""
