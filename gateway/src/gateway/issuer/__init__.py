"""The token issuer: a small OAuth 2.0 / OIDC provider. One setting replaces it with an outside provider."""
