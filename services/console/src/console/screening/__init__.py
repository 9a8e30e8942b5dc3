"""Screening: some of the questions on each page, stopping at any moment, and the screener's own judgement."""
