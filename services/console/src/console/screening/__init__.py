"""Screening: one question at a time, an end at any moment, and the screener's own judgement."""
