"""Posters: the one-page printed form of a published pathway, public level only."""
