"""Organisations: their records and what is shown of them."""
