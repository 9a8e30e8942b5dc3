"""Screening: a few questions on each page, the option to stop at any moment, and the screener's own judgement."""
