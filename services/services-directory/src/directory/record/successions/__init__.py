"""Successions: two people decide which organisation takes over from another that ends, merges or hands over work."""
