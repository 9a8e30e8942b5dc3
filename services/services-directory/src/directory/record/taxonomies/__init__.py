"""Taxonomies and terms: the built-in ones, and those that services contain."""
