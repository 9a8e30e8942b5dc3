"""The token issuer: a small OAuth 2.0 / OIDC provider. One setting replaces it by an outside provider."""
