"""Organisations: their records and their public documents."""
