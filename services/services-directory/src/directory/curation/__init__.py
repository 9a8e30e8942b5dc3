"""Curation: entries whose verification runs out, duplicates, merges."""
