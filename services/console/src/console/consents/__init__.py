"""Consents: content and withdrawal."""
