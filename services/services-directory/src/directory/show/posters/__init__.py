"""Posters: the one-page printed form of a published pathway, at the public level only."""
