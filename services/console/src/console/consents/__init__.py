"""Consents: what was agreed, and taking it back."""
