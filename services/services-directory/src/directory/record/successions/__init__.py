"""Successions: two people decide which organisation takes over from one that ends, merges or hands over work."""
