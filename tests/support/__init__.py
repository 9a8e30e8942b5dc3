"""Helpers that several test folders share: principals with real tokens, databases and reference data."""
