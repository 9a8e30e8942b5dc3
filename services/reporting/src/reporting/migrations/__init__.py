"""Revisions of reporting's database."""
