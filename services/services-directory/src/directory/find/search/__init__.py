"""Searches the stored documents: conditions, words, ranking, facets."""
