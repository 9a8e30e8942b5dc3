"""Revisions of the issuer's database."""
