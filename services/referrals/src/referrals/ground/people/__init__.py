"""The current rights of people and clients according to the issuer, for work without a token."""
