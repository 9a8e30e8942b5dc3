"""Consents: their content, and their withdrawal."""
