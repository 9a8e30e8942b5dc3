"""The token issuer: a small OAuth 2.0 / OIDC provider, replaced by any other by one setting."""
