"""Screening: one question at a time, stopping at any moment, and the screener's own judgement."""
