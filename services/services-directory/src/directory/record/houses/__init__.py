"""Possible safe houses, and their reviews."""
